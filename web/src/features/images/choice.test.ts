import { expect, it } from "vitest";
import type { Report } from "@/api/types";
import { reportOf } from "@test/fixtures";
import { effortText, formatText, goalText, limitText } from "./choice";

const plain = (text: string | null) => text?.replaceAll("\u00a0", " ");

const candidate: Report["candidates"][number] = {
  format: "webp",
  encoder: "libwebp",
  trials: [],
  bytes: 60_000,
  score: 75.2,
  verdict: "chosen",
  detail: null,
};

it("says why a format was chosen, and what the others came to", () => {
  const report = reportOf({
    request: { version: 1, target: { kind: "score", score: 75 }, format: "auto" },
    candidates: [
      candidate,
      { ...candidate, format: "jpeg", bytes: 82_000, verdict: "larger" },
      { ...candidate, format: "jpeg", bytes: 80_000, verdict: "larger" },
      { ...candidate, format: "png", score: 61.04, verdict: "below_target" },
      { ...candidate, format: "avif", bytes: null, score: null, verdict: "failed" },
    ],
  });
  expect(plain(formatText(report))).toBe(
    "WebP: the smallest that keeps the goal; JPEG needs 80.0 kB; PNG reaches 61.0 only; AVIF failed",
  );
  const target = { kind: "max_bytes", max_bytes: 70_000, floor: 30 } as const;
  const limited = reportOf({
    request: { ...report.request, target },
    candidates: report.candidates.slice(0, 2),
  });
  expect(formatText(limited)).toBe("WebP: the best that was found; JPEG reaches 75.2");
  expect(goalText(report)).toBe("a score of 75 or more");
  expect(limitText(report)).toBeNull();
});

it("says whose choice the format was where there was none", () => {
  const request = reportOf().request;
  expect(formatText(reportOf({ request: { ...request, format: "webp" } }))).toBe("WebP, as asked");
  expect(formatText(reportOf({ outcome: "kept_original" }))).toBe("WebP, as it was");
  const { input } = reportOf();
  expect(formatText(reportOf({ input: { ...input, format: "webp" } }))).toBe(
    "WebP, as the original",
  );
  expect(formatText(reportOf({ input: { ...input, format: "bmp" } }))).toBe(
    "WebP: browsers do not show BMP",
  );
});

it("says whether a limit of bytes was kept", () => {
  const target = (max_bytes: number) => ({ kind: "max_bytes", max_bytes, floor: 30 }) as const;
  const limited = (max_bytes: number) =>
    reportOf({ request: { ...reportOf().request, target: target(max_bytes) } });
  expect(plain(goalText(limited(200_000)))).toBe("at most 200 kB, at a score of 30 or more");
  expect(plain(limitText(limited(60_000)))).toBe("Kept: 60.0 kB");
  expect(plain(limitText(limited(59_999)))).toBe(
    "Could not: no file this small holds a score of 30. This one has 60.0 kB",
  );
});

it("never lets what was not measured pass for measured", () => {
  const request = { ...reportOf().request, effort: "fast" } as const;
  expect(effortText(reportOf({ request, score: null }))).toBe("fast; the score was not measured");
  expect(effortText(reportOf({ request, score: null, lossless: true }))).toBe("fast");
  expect(effortText(reportOf())).toBe("balanced");
});
