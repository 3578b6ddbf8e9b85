import { QueryClient } from "@tanstack/react-query";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";
import { doneImage, queuedImage } from "@test/fixtures";
import { page, server } from "@test/server";
import { applyImage, imageListQuery, imageQuery, listed, removeImage } from "./images";

const shown = (client: QueryClient) => listed(client.getQueryData(imageListQuery.queryKey));

async function loadedList(...images: ReturnType<typeof queuedImage>[]) {
  server.use(http.get("/v1/images", () => HttpResponse.json(page(images))));
  const client = new QueryClient();
  await client.infiniteQuery(imageListQuery);
  return client;
}

it("updates an image both in the list and by itself", async () => {
  const client = await loadedList(queuedImage("a"), queuedImage("b"));
  applyImage(client, doneImage("b"));
  expect(shown(client).map(({ status }) => status)).toEqual(["queued", "succeeded"]);
  expect(client.getQueryData(imageQuery("b").queryKey)?.status).toBe("succeeded");
});

it("puts an image it did not know on top of the list", async () => {
  const client = await loadedList(queuedImage("a"));
  applyImage(client, queuedImage("new"));
  expect(shown(client).map(({ id }) => id)).toEqual(["new", "a"]);
});

it("does not let a late answer or event take a finished image back", async () => {
  const client = await loadedList(queuedImage("a"));
  applyImage(client, doneImage("a"));
  applyImage(client, queuedImage("a", { status: "running" }));
  await client.infiniteQuery({ ...imageListQuery, staleTime: 0 });
  expect(shown(client).map(({ status }) => status)).toEqual(["succeeded"]);
});

it("does not let the answer to an upload take back what an event already told", async () => {
  const client = await loadedList();
  applyImage(client, queuedImage("a", { status: "running" }));
  applyImage(client, queuedImage("a"));
  expect(shown(client).map(({ status }) => status)).toEqual(["running"]);
});

it("shows an image once that two pages repeat", () => {
  const list = {
    pages: [page([queuedImage("a")]), page([queuedImage("a"), queuedImage("b")])],
    pageParams: [],
  };
  expect(listed(list).map(({ id }) => id)).toEqual(["a", "b"]);
});

it("does not let a late answer or event bring a deleted image back", async () => {
  const client = await loadedList(queuedImage("a"), queuedImage("b"));
  removeImage(client, "a");
  expect(shown(client).map(({ id }) => id)).toEqual(["b"]);
  applyImage(client, doneImage("a"));
  await client.infiniteQuery({ ...imageListQuery, staleTime: 0 });
  expect(shown(client).map(({ id }) => id)).toEqual(["b"]);
  expect(client.getQueryData(imageQuery("a").queryKey)).toBeUndefined();
});
