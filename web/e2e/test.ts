// What every test gets: a server, a page that knows its address, and a guard over what the page did.
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { startServer, type Server } from "./server";

export { expect };

interface Fixtures {
  /** Failing answers that a test is about; the browser writes each to the console. */
  expectedStatuses: number[];
  guard: undefined;
}

interface WorkerFixtures {
  flags: string[];
  server: Server;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  flags: [[], { option: true, scope: "worker" }],
  expectedStatuses: [[], { option: true }],

  server: [
    async ({ flags }, provide) => {
      const server = await startServer(...flags);
      await provide(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  baseURL: async ({ server }, provide) => provide(server.url),

  // No console error, no violation of the CSP (which is a console error), no request to another origin.
  guard: [
    async ({ page, server, expectedStatuses }, provide) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() !== "error") return;
        const text = message.text();
        if (!expectedStatuses.some((status) => text.includes(`status of ${status} `)))
          complaints.push(text);
      });
      page.on("request", (request) => {
        const url = request.url();
        if (!/^(blob|data|about):/.test(url) && !url.startsWith(server.url))
          complaints.push(`asked ${url}`);
      });
      await provide(undefined);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export async function choose(
  page: Page,
  files: Parameters<Locator["setInputFiles"]>[0],
): Promise<void> {
  await page.locator("input[type=file]").setInputFiles(files);
}

/** The row of a file, newest first when there are several of that name. */
export function row(page: Page, name: string): Locator {
  return page
    .getByRole("region", { name: "Files" })
    .getByRole("listitem")
    .filter({ hasText: name })
    .first();
}
