import { queryOptions } from "@tanstack/react-query";
import { getJson } from "./client";
import type { Info } from "./types";

/** What the server can do: presets, limits, formats, and whether it wants a key. Answered without a key. */
export const infoQuery = queryOptions({
  queryKey: ["info"],
  queryFn: ({ signal }) => getJson<Info>("/v1/info", signal),
  staleTime: Infinity,
});
