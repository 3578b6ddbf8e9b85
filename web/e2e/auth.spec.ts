import { png } from "./pictures";
import { choose, expect, row, test } from "./test";

test.use({ flags: ["--api-key", "a-key-for-this-test"], expectedStatuses: [401] });

test("a server with a key asks for it once, and everything then works with it", async ({
  page,
}) => {
  await page.goto("/");
  const field = page.getByLabel("API key");
  await field.fill("not-the-key");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("does not know this key");
  await field.fill("a-key-for-this-test");
  await page.getByRole("button", { name: "Use this key" }).click();

  await choose(page, png("guarded.png", 1));
  await expect(row(page, "guarded.png")).toContainText(/Done|Kept original/);
  await expect(
    page.getByRole("button", { name: /^Open guarded.png/ }).locator("img"),
  ).toBeVisible();

  await page.reload();
  await expect(row(page, "guarded.png")).toContainText(/Done|Kept original/);
  await page.getByRole("button", { name: "Forget key" }).click();
  await expect(field).toBeVisible();
});
