import { jpeg } from "./pictures";
import { choose, expect, row, test } from "./test";

test.beforeEach(async ({ page }) => {
  await page.goto("/");
  await choose(page, await jpeg(page, "photo.jpg"));
  await expect(row(page, "photo.jpg")).toContainText("Done");
  await row(page, "photo.jpg").getByRole("button", { name: "photo.jpg" }).click();
  await expect(page.getByRole("dialog", { name: "photo.jpg" })).toBeVisible();
});

test("the slider moves by keys and by dragging", async ({ page }) => {
  const slider = page.getByRole("slider", { name: "Compare original and compressed" });
  await slider.focus();
  await page.keyboard.press("ArrowLeft");
  await expect(slider).toHaveAttribute("aria-valuenow", "48");
  await page.keyboard.press("End");
  await expect(slider).toHaveAttribute("aria-valuenow", "100");
  await page.keyboard.press("Home");
  await expect(slider).toHaveAttribute("aria-valuenow", "0");

  const box = await page.locator(".compare").boundingBox();
  if (!box) throw new Error("the slider is not shown");
  await page.mouse.move(box.x + 5, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  await expect(slider).toHaveAttribute("aria-valuenow", "75");
});

test("the slider follows a finger", async ({ page }) => {
  const box = await page.locator(".compare").boundingBox();
  if (!box) throw new Error("the slider is not shown");
  const finger = await page.context().newCDPSession(page);
  const y = box.y + box.height / 2;
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...shares: number[]) =>
    finger.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: shares.map((share) => ({ x: box.x + box.width * share, y })),
    });
  await touch("touchStart", 0.5);
  await touch("touchMove", 0.4);
  await touch("touchMove", 0.25);
  await touch("touchEnd");
  await expect(page.getByRole("slider")).toHaveAttribute("aria-valuenow", "25");
});

test("the dialog has the id and both links, and they serve images", async ({ page, request }) => {
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText(/^[0-9a-f]{24}$/)).toBeVisible();
  const sizes: number[] = [];
  for (const name of ["Original image", "Compressed image"]) {
    const href = await dialog.getByRole("link", { name }).getAttribute("href");
    const response = await request.get(href ?? "");
    expect(response.headers()["content-type"]).toMatch(/^image\//);
    sizes.push((await response.body()).length);
  }
  const [original = 0, compressed = 0] = sizes;
  expect(compressed).toBeGreaterThan(0);
  expect(compressed).toBeLessThan(original);
  await expect(dialog.getByText("Metadata dropped")).toBeVisible();
});

test("the download gives the compressed file", async ({ page }) => {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toMatch(/^photo.*\.jpe?g$/);
});

test("Esc closes the dialog and gives the focus back", async ({ page }) => {
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(row(page, "photo.jpg").getByRole("button", { name: "photo.jpg" })).toBeFocused();
});
