import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it, vi } from "vitest";
import { problem, server } from "@test/server";
import { NotifySwitch } from "./NotifySwitch";

const ENDPOINT = "https://push.example.com/send/1?a=b";

/** A browser with push: what was asked of it, and the subscription that it has. */
class Browser {
  subscription: ReturnType<Browser["make"]> | null = null;
  readonly keys: string[] = [];
  answer: NotificationPermission = "granted";

  readonly registration = {
    pushManager: {
      getSubscription: () => Promise.resolve(this.subscription),
      subscribe: ({ applicationServerKey }: { applicationServerKey: Uint8Array }) => {
        this.keys.push(String.fromCharCode(...applicationServerKey));
        this.subscription = this.make(applicationServerKey);
        return Promise.resolve(this.subscription);
      },
    },
  };

  make(key: Uint8Array) {
    return {
      endpoint: ENDPOINT,
      options: { applicationServerKey: new Uint8Array(key).buffer },
      toJSON: () => ({ endpoint: ENDPOINT, keys: { p256dh: "p", auth: "a" } }),
      unsubscribe: () => {
        this.subscription = null;
        return Promise.resolve(true);
      },
    };
  }

  install(permission: NotificationPermission) {
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("PushManager", { supportedContentEncodings: ["aes128gcm"] });
    vi.stubGlobal("Notification", {
      permission,
      requestPermission: () => Promise.resolve(this.answer),
    });
    Object.defineProperty(navigator, "serviceWorker", {
      configurable: true,
      value: {
        register: () => Promise.resolve(this.registration),
        ready: Promise.resolve(this.registration),
        getRegistration: () => Promise.resolve(this.registration),
      },
    });
  }
}

let browser: Browser;
/** What the server was told, in order. */
let told: string[];

beforeEach(() => {
  browser = new Browser();
  told = [];
  server.use(
    http.get("/v1/push/key", () => HttpResponse.json({ public_key: btoa("key one") })),
    http.post("/v1/push/subscriptions", async ({ request }) => {
      told.push(JSON.stringify(await request.json()));
      return new HttpResponse(null, { status: 204 });
    }),
    http.delete("/v1/push/subscriptions", ({ request }) => {
      told.push(`end ${new URL(request.url).searchParams.get("endpoint") ?? ""}`);
      return new HttpResponse(null, { status: 204 });
    }),
  );
});

function open() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <NotifySwitch />
    </QueryClientProvider>,
  );
  return { user: userEvent.setup(), control: screen.getByRole("switch", { name: "Notify me" }) };
}

const subscribed = JSON.stringify({ endpoint: ENDPOINT, keys: { p256dh: "p", auth: "a" } });

it("subscribes this browser with the server's key, and ends the subscription again", async () => {
  browser.install("default");
  const { user, control } = open();
  await waitFor(() => expect(control).toHaveAttribute("aria-disabled", "false"));
  expect(control).not.toBeChecked();
  await user.click(control);
  await waitFor(() => expect(control).toBeChecked());
  expect(browser.keys).toEqual(["key one"]);
  expect(told).toEqual([subscribed]);

  await user.click(control);
  await waitFor(() => expect(control).not.toBeChecked());
  await waitFor(() => expect(told).toEqual([subscribed, `end ${ENDPOINT}`]));
  expect(browser.subscription).toBeNull();
});

it("tells the server again of a subscription that it finds", async () => {
  browser.install("granted");
  browser.subscription = browser.make(new TextEncoder().encode("key one"));
  const { control } = open();
  await waitFor(() => expect(control).toBeChecked());
  expect([told, browser.keys]).toEqual([[subscribed], []]);
});

it("subscribes anew when the server's key has changed", async () => {
  browser.install("granted");
  browser.subscription = browser.make(new TextEncoder().encode("key old"));
  const { control } = open();
  await waitFor(() => expect(control).toBeChecked());
  expect([told, browser.keys]).toEqual([[subscribed], ["key one"]]);
});

it("keeps no subscription that the server refused, and says why", async () => {
  browser.install("granted");
  const refused = problem(502, "The push service did not take a message", "Try again.");
  server.use(http.post("/v1/push/subscriptions", () => refused));
  const { user, control } = open();
  await waitFor(() => expect(control).toHaveAttribute("aria-disabled", "false"));
  await user.click(control);
  expect(await screen.findByRole("status")).toBeInTheDocument();
  await screen.findByText(/did not take a message\. Try again/);
  expect(control).not.toBeChecked();
  expect(browser.subscription).toBeNull();
});

it("says that notifications are blocked, before and after the question", async () => {
  browser.install("default");
  browser.answer = "denied";
  const { user, control } = open();
  await waitFor(() => expect(control).toHaveAttribute("aria-disabled", "false"));
  await user.click(control);
  await screen.findByText(/are blocked/);
  expect(control).toHaveAttribute("aria-disabled", "true");
  expect(control).toHaveAccessibleDescription(/allow them in the browser's settings/);
});

it("says what is missing where notifications cannot be had", async () => {
  vi.stubGlobal("isSecureContext", false);
  open();
  await screen.findByText(/need https/);
});

it("says that the browser is too old", async () => {
  browser.install("default");
  Reflect.deleteProperty(window, "PushManager");
  open();
  await screen.findByText(/cannot show notifications/);
});
