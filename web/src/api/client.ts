// The one place that calls fetch for JSON. Adds the key, turns failures into ApiError; shows nothing.
import { problemToError, unreachable } from "./errors";
import { authorization, keyState, refuseKey } from "./key";

/** GETs JSON from a path of this origin. Rejects with ApiError, or with the signal's AbortError. */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const { key } = keyState();
  const response = await send(path, key, signal);
  if (response.status === 401) refuseKey(key);
  if (!response.ok) throw problemToError(response.status, await response.text());
  return (await response.json()) as T;
}

/** Sends JSON, or nothing, where no answer is expected. Rejects with ApiError. */
export async function sendJson(
  method: "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<void> {
  const { key } = keyState();
  const response = await send(path, key, undefined, { method, body });
  if (response.status === 401) refuseKey(key);
  if (!response.ok) throw problemToError(response.status, await response.text());
}

/** True when the server takes `key`. Rejects with ApiError for every other failure than 401. */
export async function isKeyAccepted(key: string): Promise<boolean> {
  const response = await send("/v1/images?limit=1", key);
  if (response.status === 401) return false;
  if (!response.ok) throw problemToError(response.status, await response.text());
  return true;
}

async function send(
  path: string,
  key: string | null,
  signal?: AbortSignal,
  { method, body }: { method: string; body?: unknown } = { method: "GET" },
): Promise<Response> {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(path, {
      method,
      headers: { Accept: "application/json", ...json, ...authorization(key) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreachable();
  }
}
