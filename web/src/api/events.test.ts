import { http, HttpResponse } from "msw";
import { expect, it, vi } from "vitest";
import { EventStream, problem, server } from "@test/server";
import { doneImage } from "@test/fixtures";
import { followEvents } from "./events";
import { acceptKey, keyState } from "./key";

function follow() {
  const handlers = { onOpen: vi.fn(), onEvent: vi.fn(), onLost: vi.fn() };
  const stop = new AbortController();
  const ended = followEvents(handlers, stop.signal);
  return { handlers, ended, stop: () => stop.abort() };
}

it("reconnects after the stream ends, and says which event it saw last", async () => {
  const stream = new EventStream();
  const lastIds: (string | null)[] = [];
  server.use(
    http.get("/v1/events", ({ request }) => {
      lastIds.push(request.headers.get("Last-Event-ID"));
      return stream.respond();
    }),
  );
  const { handlers, ended, stop } = follow();
  await vi.waitFor(() => expect(handlers.onOpen).toHaveBeenCalledTimes(1));
  stream.send(doneImage());
  await vi.waitFor(() => expect(handlers.onEvent).toHaveBeenCalledTimes(1));
  stream.close();
  await vi.waitFor(() => expect(handlers.onOpen).toHaveBeenCalledTimes(2));
  expect(handlers.onLost).toHaveBeenCalledTimes(1);
  expect(lastIds).toEqual([null, "1"]);
  stop();
  stream.close();
  await ended;
});

it("sends the key, and stops when the server refuses it", async () => {
  acceptKey("secret", false);
  const headers: (string | null)[] = [];
  server.use(
    http.get("/v1/events", ({ request }) => {
      headers.push(request.headers.get("Authorization"));
      return problem(401, "No", "No key.");
    }),
  );
  const { handlers, ended } = follow();
  await ended;
  expect(headers).toEqual(["Bearer secret"]);
  expect(keyState().refused).toBe(true);
  expect(handlers.onOpen).not.toHaveBeenCalled();
});

it("ends without another attempt when it is stopped", async () => {
  let connections = 0;
  server.use(
    http.get("/v1/events", () => {
      connections += 1;
      return HttpResponse.error();
    }),
  );
  const { handlers, ended, stop } = follow();
  await vi.waitFor(() => expect(handlers.onLost).toHaveBeenCalled());
  stop();
  await ended;
  expect(connections).toBe(1);
});
