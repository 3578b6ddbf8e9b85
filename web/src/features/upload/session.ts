// Which images this tab has sent, so that a reload finds its rows again.

const STORAGE_KEY = "demitasse.session";
const MOST_ROWS = 1000;

export interface SentImage {
  imageId: string;
  name: string;
  bytes: number;
  query: string;
}

export function loadSession(): SentImage[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isSentImage) : [];
  } catch {
    return [];
  }
}

export function saveSession(images: SentImage[]): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(images.slice(0, MOST_ROWS)));
  } catch {
    // Without storage the rows are gone after a reload; the images are not.
  }
}

function isSentImage(value: unknown): value is SentImage {
  if (typeof value !== "object" || value === null) return false;
  const image = value as Record<string, unknown>;
  return (
    typeof image.imageId === "string" &&
    typeof image.name === "string" &&
    typeof image.bytes === "number" &&
    typeof image.query === "string"
  );
}
