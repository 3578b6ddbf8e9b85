import type { BrowserContext, CDPSession, Page } from "@playwright/test";
import { expect, test } from "./test";

test("a push is shown as a notification, whatever it says, once for the same news", async ({
  page,
  context,
  baseURL,
}) => {
  const push = await worker(page, context, String(baseURL));
  const message = { title: "Image compressed!", body: "Your image is ready.", url: "/i/1/cup.png" };
  await push(JSON.stringify(message));
  await expect
    .poll(() => shown(page))
    .toEqual([`Image compressed!|Your image is ready.|${baseURL}/i/1/cup.png`]);
  await push(JSON.stringify(message));
  await push("not JSON");
  await expect
    .poll(() => shown(page))
    .toEqual([
      `Image compressed!|Your image is ready.|${baseURL}/i/1/cup.png`,
      `Demitasse|A task has ended.|${baseURL}/`,
    ]);
});

test("the switch registers the worker, and says when the push service cannot be reached", async ({
  page,
  context,
}) => {
  await context.grantPermissions(["notifications"]);
  // A test browser has no push service: this is what a page sees behind a firewall.
  await page.addInitScript(() => {
    PushManager.prototype.subscribe = () =>
      Promise.reject(new DOMException("Registration failed", "AbortError"));
  });
  await page.goto("/");
  const control = page.getByRole("switch", { name: "Notify me" });
  await expect(control).toHaveAttribute("aria-disabled", "false");
  await control.click();
  await expect(page.getByText(/could not reach its push service/)).toBeVisible();
  await expect(control).not.toBeChecked();
  const script = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return registration.active?.scriptURL;
  });
  expect(script).toMatch(/\/sw\.js$/);
});

/** Registers the page's service worker; gives what fires a push event in it, as a push service would. */
async function worker(page: Page, context: BrowserContext, origin: string) {
  await context.grantPermissions(["notifications"]);
  const devtools = await context.newCDPSession(page);
  const registered = registrationId(devtools);
  await devtools.send("ServiceWorker.enable");
  await page.goto("/");
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
  });
  const id = await registered;
  return (data: string) =>
    devtools.send("ServiceWorker.deliverPushMessage", { origin, registrationId: id, data });
}

function registrationId(devtools: CDPSession): Promise<string> {
  return new Promise((resolve) => {
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
}

function shown(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const all = await registration.getNotifications();
    return all
      .map(({ title, body, tag }) => `${title}|${body}|${tag}`)
      .sort()
      .reverse();
  });
}
