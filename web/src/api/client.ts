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

/** True when the server takes `key`. Rejects with ApiError for every other failure than 401. */
export async function isKeyAccepted(key: string): Promise<boolean> {
  const response = await send("/v1/images?limit=1", key);
  if (response.status === 401) return false;
  if (!response.ok) throw problemToError(response.status, await response.text());
  return true;
}

async function send(path: string, key: string | null, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(path, {
      headers: { Accept: "application/json", ...authorization(key) },
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreachable();
  }
}
