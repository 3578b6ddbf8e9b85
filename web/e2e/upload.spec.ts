import type { Page } from "@playwright/test";
import { jpeg, png, type Picture } from "./pictures";
import { choose, expect, row, test } from "./test";

test.beforeEach(async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Choose images" })).toBeVisible();
});

/** Makes a DataTransfer in the page that carries the picture. */
function carry(page: Page, { name, mimeType, buffer }: Picture) {
  return page.evaluateHandle(
    ({ name, mimeType, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], name, { type: mimeType }));
      return data;
    },
    { name, mimeType, bytes: [...buffer] },
  );
}

test("a chosen photo shows its upload, then what was saved and its score, without a reload", async ({
  page,
}) => {
  const photo = await jpeg(page, "Überraschung 写真.jpg", 900, 600);
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: photo.buffer.length / 2,
  });
  await choose(page, photo);
  const file = row(page, photo.name);
  await expect(file.getByRole("progressbar")).toBeVisible();
  await expect(file).toContainText(/Uploading [1-9]\d?\s%/);
  await expect(file).toContainText("Done");
  await expect(file).toContainText(/−\d+\s%/);
  await expect(file).toContainText(/score \d/);
  await expect(page.getByRole("contentinfo")).toContainText(
    /^1 file, .+ to .+, saved .+ \(\d+\s%\)/,
  );
  await expect(page.getByTestId("announcer")).toContainText(`${photo.name} done`);
});

test("a file dropped anywhere on the window is compressed", async ({ page }) => {
  const dataTransfer = await carry(page, png("dropped.png", 1));
  await page.dispatchEvent("body", "dragenter", { dataTransfer });
  await expect(page.getByText("Let go to compress")).toBeVisible();
  await page.dispatchEvent("body", "drop", { dataTransfer });
  await expect(row(page, "dropped.png")).toContainText(/Done|Kept original/);
  await expect(page.getByText("Drop images anywhere")).toBeVisible();
});

test("a pasted image is compressed", async ({ page }) => {
  const data = await carry(page, png("pasted.png", 2));
  await data.evaluate((clipboardData) => {
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  });
  await expect(row(page, "pasted.png")).toContainText(/Done|Kept original/);
});

test("a hundred files at once are all finished", async ({ page }) => {
  await choose(
    page,
    Array.from({ length: 100 }, (_, index) => png(`many ${index}.png`, index, 24)),
  );
  const files = page.getByRole("region", { name: "Files" }).getByRole("listitem");
  await expect(files).toHaveCount(100);
  await expect(page.getByRole("contentinfo")).toContainText(/^100 files, .+ to .+, saved/);
  await expect(files.filter({ hasText: /Done|Kept original/ })).toHaveCount(100);
});

test.describe("with a file that is no image", () => {
  test.use({ expectedStatuses: [400, 415, 422] });

  test("the row says so and what to do, and the others go on", async ({ page }) => {
    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not an image") };
    await choose(page, [text, png("beside.png", 3)]);
    const failed = row(page, "notes.txt");
    await expect(failed).toContainText(/Failed: .{5,}/);
    await expect(failed.getByRole("button", { name: "Retry notes.txt" })).toBeVisible();
    await expect(row(page, "beside.png")).toContainText(/Done|Kept original/);
    await expect(page.getByRole("contentinfo")).toContainText("1 failed");
  });
});

test("a reload keeps the rows and the images", async ({ page }) => {
  await choose(page, png("kept after reload.png", 4));
  await expect(row(page, "kept after reload.png")).toContainText(/Done|Kept original/);
  await page.reload();
  await expect(row(page, "kept after reload.png")).toContainText(/Done|Kept original/);
  await expect(page.getByRole("button", { name: /^Open kept after reload.png/ })).toBeVisible();
});

test("a reload while files are under way finds them again", async ({ page }) => {
  const photo = await jpeg(page, "under way.jpg", 1200, 900);
  await choose(page, photo);
  await expect(row(page, photo.name)).toContainText(/Queued|Compressing|Done/);
  await page.reload();
  await expect(row(page, photo.name)).toContainText("Done");
});

test("a file is seen to finish even when no event arrives", async ({ page }) => {
  await page.route("**/v1/events", () => undefined);
  await page.reload();
  await choose(page, png("without events.png", 7));
  await expect(row(page, "without events.png")).toContainText(/Done|Kept original/);
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("clearing the list leaves the images", async ({ page }) => {
  await choose(page, png("cleared.png", 5));
  await expect(row(page, "cleared.png")).toContainText(/Done|Kept original/);
  await page.getByRole("button", { name: "Clear list" }).click();
  await expect(page.getByRole("region", { name: "Files" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Open cleared.png/ })).toBeVisible();
});

test("the chosen preset is the one that is sent", async ({ page }) => {
  await page.getByText("Lossless", { exact: true }).click();
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await choose(page, png("exact.png", 6));
  expect(new URL((await sent).url()).searchParams.get("preset")).toBe("lossless");
  await expect(row(page, "exact.png")).toContainText(/Done|Kept original/);
});
