// Owns the API key of this browser and whether the server accepts it. Knows nothing of forms or requests.

const STORAGE_KEY = "demitasse.key";

interface KeyState {
  key: string | null;
  /** True after the server answered 401 to the current key (or to none). */
  refused: boolean;
}

let state: KeyState = { key: readStored(), refused: false };
const listeners = new Set<() => void>();

function readStored(): string | null {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? localStorage.getItem(STORAGE_KEY);
  } catch {
    // Storage can be switched off; the key then lives as long as the page.
    return null;
  }
}

function update(next: KeyState): void {
  state = next;
  for (const listener of listeners) listener();
}

export function subscribeToKey(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function keyState(): KeyState {
  return state;
}

/** Keeps an accepted key for this tab, or, with `remember`, for this browser. */
export function acceptKey(key: string, remember: boolean): void {
  try {
    (remember ? localStorage : sessionStorage).setItem(STORAGE_KEY, key);
  } catch {
    // As above: without storage it is asked for again after a reload.
  }
  update({ key, refused: false });
}

export function forgetKey(): void {
  try {
    sessionStorage.removeItem(STORAGE_KEY);
    localStorage.removeItem(STORAGE_KEY);
  } catch {
    // Nothing was stored.
  }
  update({ key: null, refused: false });
}

/** Notes a 401. An answer to an older key, still under way when a new one was set, says nothing about the new one. */
export function refuseKey(refused: string | null): void {
  if (refused === state.key && !state.refused) update({ ...state, refused: true });
}

export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}
