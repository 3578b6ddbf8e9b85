import { http, HttpResponse } from "msw";
import { expect, it, vi } from "vitest";
import { doneImage, queuedImage, taskOf } from "@test/fixtures";
import { acceptUploads, problem, server } from "@test/server";
import { UploadQueue } from "./queue";

const MAX_BYTES = 1000;

function png(name = "cup.png", bytes = 10): File {
  return new File([new Uint8Array(bytes)], name, { type: "image/png" });
}

const kinds = (queue: UploadQueue) => queue.snapshot().map(({ state }) => state.kind);

async function settled(queue: UploadQueue, ...expected: string[]) {
  await vi.waitFor(() => expect(kinds(queue)).toEqual(expected));
}

it("sends each file with its query and hands on the task", async () => {
  const seen = acceptUploads(queuedImage());
  const onSent = vi.fn();
  const queue = new UploadQueue(onSent);
  queue.add([png()], "preset=high&format=auto", MAX_BYTES);
  await settled(queue, "sent");
  expect(seen.queries).toEqual(["?preset=high&format=auto"]);
  expect(onSent).toHaveBeenCalledExactlyOnceWith(taskOf(queuedImage()));
});

it("sends a hundred files, never more than four at once", async () => {
  let underWay = 0;
  let most = 0;
  server.use(
    http.post("/v1/images", async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
      return HttpResponse.json(taskOf(queuedImage()), { status: 202 });
    }),
  );
  const queue = new UploadQueue(() => undefined);
  queue.add(
    Array.from({ length: 100 }, (_, index) => png(`${index}.png`)),
    "preset=balanced",
    MAX_BYTES,
  );
  expect(kinds(queue).filter((kind) => kind === "uploading")).toHaveLength(4);
  await vi.waitFor(() => expect(new Set(kinds(queue))).toEqual(new Set(["sent"])), 10_000);
  expect(most).toBeLessThanOrEqual(4);
});

it("refuses files that are empty or too big without sending them", () => {
  const queue = new UploadQueue(() => undefined);
  queue.add([png("empty.png", 0), png("big.png", MAX_BYTES + 1)], "preset=balanced", MAX_BYTES);
  const titles = queue.snapshot().map(({ state }) => state.kind === "failed" && state.title);
  expect(titles).toEqual(["The file is empty", "The file is too big"]);
});

it("keeps the server's reason for a failure, and sends again on retry", async () => {
  server.use(
    http.post("/v1/images", () => problem(415, "Not an image", "Send a PNG."), { once: true }),
  );
  const queue = new UploadQueue(() => undefined);
  queue.add([png()], "preset=balanced", MAX_BYTES);
  await settled(queue, "failed");
  expect(queue.snapshot()[0]?.state).toEqual({
    kind: "failed",
    status: 415,
    title: "Not an image",
    detail: "Send a PNG.",
  });
  acceptUploads(queuedImage());
  queue.retry(queue.snapshot()[0]?.id ?? "");
  await settled(queue, "sent");
});

it("says that the server cannot be reached when no answer comes", async () => {
  server.use(http.post("/v1/images", () => HttpResponse.error()));
  const queue = new UploadQueue(() => undefined);
  queue.add([png()], "preset=balanced", MAX_BYTES);
  await settled(queue, "failed");
  expect(queue.snapshot()[0]?.state).toMatchObject({
    status: 0,
    title: "The server cannot be reached",
  });
});

it("sends what was refused for want of a key once there is one", async () => {
  server.use(
    http.post("/v1/images", () => problem(401, "A key is needed", "Send one."), { once: true }),
  );
  const queue = new UploadQueue(() => undefined);
  queue.add([png()], "preset=balanced", MAX_BYTES);
  await settled(queue, "failed");
  acceptUploads(queuedImage());
  queue.retryRefused();
  await settled(queue, "sent");
});

it("remembers sent images for the next page of this tab, and can send one again from the server", async () => {
  acceptUploads(doneImage());
  const first = new UploadQueue(() => undefined);
  first.add([png()], "preset=balanced", MAX_BYTES);
  await settled(first, "sent");

  const second = new UploadQueue(() => undefined);
  const restored = second.snapshot()[0];
  expect(restored).toMatchObject({ name: "cup.png", previewUrl: null, state: { kind: "sent" } });

  const fetched = vi.fn(() => HttpResponse.arrayBuffer(new ArrayBuffer(8)));
  server.use(http.get("/i/*", fetched));
  second.retry(restored?.id ?? "", doneImage().original.url);
  await settled(second, "sent");
  expect(fetched).toHaveBeenCalledOnce();
});

it("takes removed files off the list and off the remembered ones", async () => {
  acceptUploads(queuedImage());
  const queue = new UploadQueue(() => undefined);
  queue.add([png()], "preset=balanced", MAX_BYTES);
  await settled(queue, "sent");
  queue.remove(new Set(queue.snapshot().map(({ id }) => id)));
  expect(queue.snapshot()).toEqual([]);
  expect(new UploadQueue(() => undefined).snapshot()).toEqual([]);
});
