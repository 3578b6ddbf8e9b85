import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { jpeg, png } from "./pictures";
import { choose, expect, row, test } from "./test";

test.use({ expectedStatuses: [400, 415, 422] });

async function violations(page: Page): Promise<string[]> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = await new AxeBuilder({ page }).withTags(tags).analyze();
  return result.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
  );
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`there are no accessibility violations in ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto("/");
    await expect(page.getByRole("button", { name: "Choose images" })).toBeVisible();
    expect(await violations(page)).toEqual([]);

    await page.getByText("Options").click();
    await page.getByLabel("A limit of bytes").check();
    await page.getByLabel("Resize").selectOption("Fit");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Reset options" }).click();

    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not an image") };
    await choose(page, [await jpeg(page, "photo.jpg"), text]);
    await expect(row(page, "photo.jpg")).toContainText("Done");
    await expect(row(page, "notes.txt")).toContainText("Failed");
    expect(await violations(page)).toEqual([]);

    await row(page, "photo.jpg").getByRole("button", { name: "photo.jpg" }).click();
    await expect(page.getByRole("slider")).toBeVisible();
    await expect(page.getByText("Metadata kept")).toBeVisible();
    expect(await violations(page)).toEqual([]);
  });
}

test("the theme button overrides the system, and the choice outlives a reload", async ({
  page,
}) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/");
  const background = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: /^Theme: auto/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  await expect(page.getByRole("button", { name: /^Theme: dark/ })).toBeVisible();
  expect(await background()).toBe(dark);
});

test("everything can be reached and used by keyboard alone", async ({ page }) => {
  await page.goto("/");
  await choose(page, await jpeg(page, "by keys.jpg"));
  await expect(row(page, "by keys.jpg")).toContainText("Done");
  const reached: string[] = [];
  for (let presses = 0; presses < 8 && !reached.includes("by keys.jpg"); presses += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement?.textContent ?? ""));
  }
  expect(reached).toContain("Choose images");
  expect(reached).toContain("by keys.jpg");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
});

test("a phone gets one column and nothing to scroll sideways", async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 740 });
  await page.goto("/");
  await choose(page, [png("one.png", 1), png(`${"long ".repeat(30)}.png`, 2)]);
  await expect(row(page, "one.png")).toContainText(/Done|Kept original/);
  await expect(page.getByRole("button", { name: /^Open one.png/ }).first()).toBeVisible();
  const layout = await page.evaluate(() => ({
    lefts: new Set(
      Array.from(document.querySelectorAll(".tile"), (tile) => tile.getBoundingClientRect().left),
    ).size,
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  expect(layout).toEqual({ lefts: 1, sideways: 0 });
});
