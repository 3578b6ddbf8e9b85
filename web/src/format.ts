// How numbers and names are shown. Pure; everything else that shows a size or a percent calls these.

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in decimal units with three significant digits: `84.2 MB`, `980 kB`, `12 B`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}\u00a0${UNITS[unit] ?? "TB"}`;
}

/** A limit, which must not be rounded up: `100 MiB` where it is a whole number of those, else as bytes. */
export function formatLimit(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1 && Number.isInteger(mebibytes)
    ? `${mebibytes}\u00a0MiB`
    : formatBytes(bytes);
}

/** The share of `before` that is gone, 0 to 1; 0 when nothing was saved. */
export function savedShare(before: number, after: number): number {
  return before > 0 ? Math.max(0, 1 - after / before) : 0;
}

/** A share as whole percent, `74 %`. Rounds down, so that "100 %" is never shown for a file that still has bytes. */
export function formatPercent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}\u00a0%`;
}

export function formatScore(score: number): string {
  return score.toFixed(1);
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `image/svg+xml` and the like as a short badge: `JPEG`, `PNG`, `WebP`. */
export function formatName(mediaType: string): string {
  const subtype = mediaType.replace(/^image\/(x-)?/, "").replace(/\+xml$/, "");
  return subtype === "webp" ? "WebP" : subtype.toUpperCase();
}

// Control characters, and the marks that reorder text: "gpj.exe" must not be shown as "exe.jpg".
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A file name as it may be shown: any script, but no character that hides or reorders others. */
export function displayName(name: string | null | undefined): string {
  const shown = (name ?? "").replace(UNSAFE, "\ufffd").trim();
  return shown === "" ? "Untitled image" : shown;
}

/** The address of a blob on this origin: the absolute one may name the host by which another client sees it. */
export function localUrl(url: string): string {
  try {
    const { pathname, search } = new URL(url, "http://localhost");
    return pathname + search;
  } catch {
    return url;
  }
}
