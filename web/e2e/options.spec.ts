import { png } from "./pictures";
import { choose, expect, row, test } from "./test";

test.beforeEach(async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Choose images" })).toBeVisible();
});

test("options are set by keys alone, sent, told by the receipt, and remembered", async ({
  page,
}) => {
  await page.getByText("Options").focus();
  await page.keyboard.press("Enter");
  const format = page.getByLabel("Format");
  await expect(format).toBeVisible();
  await format.focus();
  await page.keyboard.type("WebP");
  await expect(format).toHaveValue("webp");

  const sent = page.waitForRequest((request) => request.method() === "POST");
  await choose(page, png("as webp.png", 8));
  expect(new URL((await sent).url()).searchParams.get("format")).toBe("webp");
  await expect(row(page, "as webp.png")).toContainText("Done");
  await expect(row(page, "as webp.png")).toContainText("WebP");
  await row(page, "as webp.png").getByRole("button", { name: "as webp.png" }).click();
  await expect(page.getByRole("dialog")).toContainText("WebP, as asked");
  await page.keyboard.press("Escape");

  await page.reload();
  await expect(page.getByText("Options: WebP")).toBeVisible();
  await page.getByRole("button", { name: "Reset options" }).click();
  await expect(page.getByText("Options: WebP")).toHaveCount(0);
});
