import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";
import { doneImage, failedImage, info, queuedImage, taskOf } from "@test/fixtures";
import { acceptUploads, EventStream, page, problem, server } from "@test/server";
import { App } from "./App";

function open() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>,
  );
  return userEvent.setup();
}

const png = () => new File([new Uint8Array(400)], "cup.png", { type: "image/png" });

it("follows a file from choosing to done by events alone", async () => {
  const stream = new EventStream();
  server.use(stream.handler);
  const seen = acceptUploads(queuedImage());
  const user = open();
  await user.click(await screen.findByRole("radio", { name: "Lossless" }));
  await user.upload(screen.getByLabelText("Images to compress"), png());

  const files = await screen.findByRole("region", { name: "Files" });
  await within(files).findByText("Queued");
  stream.send(queuedImage(undefined, { status: "running" }));
  await within(files).findByText("Compressing");
  stream.send(doneImage());
  await within(files).findByText("Done");
  expect(files).toHaveTextContent("−75");
  expect(files).toHaveTextContent("score 76.3");
  expect(seen.queries).toEqual(["?preset=lossless"]);
  // The announcer gathers for a second, which is as long as a search waits by itself.
  const news = await screen.findByText(/^cup.png done, 75/, undefined, { timeout: 4000 });
  expect(news).toHaveAttribute("aria-live", "polite");
});

it("says why an original was kept", async () => {
  acceptUploads(
    doneImage(undefined, {
      bytes: 400,
      outcome: "kept_original",
      reason: "It was compressed before.",
    }),
  );
  const user = open();
  await user.upload(await screen.findByLabelText("Images to compress"), png());
  expect(await screen.findByText("Kept original: it was compressed before")).toBeVisible();
});

it("says what failed, and sends the file again on Retry", async () => {
  acceptUploads(failedImage());
  const user = open();
  await user.upload(await screen.findByLabelText("Images to compress"), png());
  expect(await screen.findByText(/The image is damaged/)).toBeVisible();
  expect(screen.getByText(/Export or copy the image again/)).toBeVisible();
  acceptUploads(doneImage("b"));
  await user.click(screen.getByRole("button", { name: "Retry cup.png" }));
  expect(await screen.findByText("Done")).toBeVisible();
});

it("opens an image with its id, both links and its score", async () => {
  const image = doneImage();
  server.use(
    http.get("/v1/images", () => HttpResponse.json(page([image]))),
    http.get("/v1/tasks/:id", () => HttpResponse.json(taskOf(image))),
  );
  const user = open();
  await user.click(await screen.findByRole("button", { name: /^Open cup.png, 75/ }));
  const dialog = await screen.findByRole("dialog", { name: "cup.png" });
  expect(within(dialog).getByText(image.id)).toBeVisible();
  expect(within(dialog).getByRole("link", { name: "Original image" })).toHaveAttribute(
    "href",
    image.original.url,
  );
  expect(within(dialog).getByRole("link", { name: "Compressed image" })).toHaveAttribute(
    "href",
    image.variant?.url,
  );
  await user.click(within(dialog).getByRole("button", { name: "Close" }));
  expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
});

it("deletes an image by the keyboard, after asking once more", async () => {
  const image = doneImage();
  const deleted: string[] = [];
  server.use(
    http.get("/v1/images", () => HttpResponse.json(page(deleted.length === 0 ? [image] : []))),
    http.get("/v1/tasks/:id", () => HttpResponse.json(taskOf(image))),
    http.delete("/v1/images/:id", ({ params }) => {
      deleted.push(String(params.id));
      return new HttpResponse(null, { status: 204 });
    }),
  );
  const user = open();
  await user.click(await screen.findByRole("button", { name: /^Open cup.png/ }));
  const dialog = await screen.findByRole("dialog", { name: "cup.png" });
  within(dialog).getByRole("button", { name: "Delete image" }).focus();
  await user.keyboard("{Enter}");
  expect(within(dialog).getByRole("button", { name: "Keep" })).toHaveFocus();
  await user.keyboard("{Enter}");
  expect(within(dialog).getByRole("button", { name: "Delete image" })).toHaveFocus();
  expect(deleted).toEqual([]);
  await user.keyboard("{Enter}{Tab}{Enter}");
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(deleted).toEqual([image.id]);
  expect(screen.queryByRole("button", { name: /^Open cup.png/ })).not.toBeInTheDocument();
});

it("keeps an image that could not be deleted, and says why", async () => {
  server.use(
    http.get("/v1/images", () => HttpResponse.json(page([doneImage()]))),
    http.get("/v1/tasks/:id", () => HttpResponse.json(taskOf(doneImage()))),
    http.delete("/v1/images/:id", () => problem(503, "The server cannot do this now", "Later.")),
  );
  const user = open();
  await user.click(await screen.findByRole("button", { name: /^Open cup.png/ }));
  await user.click(await screen.findByRole("button", { name: "Delete image" }));
  await user.click(screen.getByRole("button", { name: "Delete" }));
  expect(await screen.findByText("The server cannot do this now")).toBeVisible();
  expect(screen.getByRole("dialog", { name: "cup.png" })).toBeVisible();
});

it("drops an image that somebody else has deleted, its row and its open dialog with it", async () => {
  const stream = new EventStream();
  server.use(
    stream.handler,
    http.get("/v1/tasks/:id", () => HttpResponse.json(taskOf(doneImage()))),
  );
  acceptUploads(doneImage());
  const user = open();
  await user.upload(await screen.findByLabelText("Images to compress"), png());
  await screen.findByText("Done");
  await user.click(screen.getByRole("button", { name: /^Open cup.png, 75/ }));
  await screen.findByRole("dialog", { name: "cup.png" });
  stream.sendDeleted(doneImage());
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(screen.queryByRole("region", { name: "Files" })).not.toBeInTheDocument();
  expect(screen.queryByRole("button", { name: /^Open cup.png/ })).not.toBeInTheDocument();
});

it("asks for the key once, and tells a wrong one from a right one", async () => {
  const guard = ({ request }: { request: Request }) =>
    request.headers.get("Authorization") === "Bearer right"
      ? HttpResponse.json(page([doneImage()]))
      : problem(401, "A key is needed", "Send one.");
  server.use(
    http.get("/v1/info", () => HttpResponse.json({ ...info, auth_required: true })),
    http.get("/v1/images", guard),
  );
  const user = open();
  const field = await screen.findByLabelText("API key");
  await user.type(field, "wrong{Enter}");
  expect(await screen.findByText(/does not know this key/)).toBeVisible();
  await user.clear(field);
  await user.type(field, "right{Enter}");
  expect(await screen.findByRole("button", { name: /^Open cup.png/ })).toBeVisible();
  expect(sessionStorage.getItem("demitasse.key")).toBe("right");
});

it("says that the server cannot be reached, and tries again when told to", async () => {
  server.use(http.get("/v1/info", () => HttpResponse.error(), { once: true }));
  const user = open();
  expect(await screen.findByText("The server cannot be reached")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("Drop images anywhere")).toBeVisible();
});
