// What this browser can do about notifications. Asks nobody.

/** On, off, or why neither can be chosen. */
export type PushState = "on" | "off" | "denied" | "insecure" | "unsupported";

/** Why notifications cannot be switched on here, or null. */
export function obstacle(): Exclude<PushState, "on" | "off"> | null {
  if (!window.isSecureContext) return "insecure";
  const known = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!known) return "unsupported";
  return Notification.permission === "denied" ? "denied" : null;
}

/** Reads base64url, as the server writes its key. */
export function toBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** Whether a subscription was made for `key`. */
export function sameKey(used: ArrayBuffer | null, key: Uint8Array): boolean {
  if (used?.byteLength !== key.length) return false;
  return new Uint8Array(used).every((byte, index) => byte === key[index]);
}
