// Starts the real binary on a free port with data of its own, and takes both away again.
import { expect } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.DEMITASSE_BIN ?? "../target/debug/demitasse";
const START_MS = 20_000;

export interface Server {
  url: string;
  stop: () => Promise<void>;
}

export async function startServer(...flags: string[]): Promise<Server> {
  const data = await mkdtemp(join(tmpdir(), "demitasse-e2e-"));
  const address = `127.0.0.1:${await freePort()}`;
  const args = ["serve", "--listen", address, "--data", data, "--workers", "2", ...flags];
  const child = spawn(BINARY, args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));

  const stop = async () => {
    await end(child);
    await rm(data, { recursive: true, force: true });
  };
  const url = `http://${address}`;
  try {
    await ready(url, child);
  } catch (error) {
    await stop();
    throw new Error(`${BINARY} did not start: ${String(error)}\n${log}`);
  }
  return { url, stop };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
  });
  await Promise.race([failed, answers(`${url}/readyz`)]);
  failed.catch(() => undefined);
}

async function answers(url: string): Promise<void> {
  const ask = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(ask, { timeout: START_MS, intervals: [50] }).toBe(true);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const stubborn = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(stubborn);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
