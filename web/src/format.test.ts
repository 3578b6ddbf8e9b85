import { describe, expect, it } from "vitest";
import {
  displayName,
  formatBytes,
  formatLimit,
  formatName,
  formatPercent,
  localUrl,
  savedShare,
} from "./format";

describe("formatBytes", () => {
  it.each([
    [0, "0\u00a0B"],
    [999, "999\u00a0B"],
    [1000, "1.00\u00a0kB"],
    [84_200_000, "84.2\u00a0MB"],
    [999_499, "999\u00a0kB"],
    [999_600, "1.00\u00a0MB"],
    [99_960, "100\u00a0kB"],
    [5e15, "5000\u00a0TB"],
  ])("shows %d as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

it("never rounds a limit up", () => {
  expect(formatLimit(104_857_600)).toBe("100\u00a0MiB");
  expect(formatLimit(5_000_000)).toBe("5.00\u00a0MB");
});

it("never shows a file that still has bytes as wholly saved", () => {
  expect(formatPercent(savedShare(1_000_000, 1))).toBe("99\u00a0%");
});

it("shows whole percents that binary fractions miss by a hair", () => {
  expect(formatPercent(savedShare(100, 42))).toBe("58\u00a0%");
});

it("counts a file that grew, or that was empty, as saving nothing", () => {
  expect(savedShare(100, 120)).toBe(0);
  expect(savedShare(0, 0)).toBe(0);
});

it("names formats as people write them", () => {
  expect(["image/jpeg", "image/webp", "image/x-tiff", "image/svg+xml"].map(formatName)).toEqual([
    "JPEG",
    "WebP",
    "TIFF",
    "SVG",
  ]);
});

describe("displayName", () => {
  it("keeps any script", () => {
    expect(displayName("Überraschung 写真 صورة 🫖.jpg")).toBe("Überraschung 写真 صورة 🫖.jpg");
  });

  it("shows marks that reorder text, and control characters, as replaced", () => {
    expect(displayName("gnp.\u202egpj.exe")).toBe("gnp.\ufffdgpj.exe");
    expect(displayName("a\nb\u0000.png")).toBe("a\ufffdb\ufffd.png");
  });

  it("calls a file without a name an untitled image", () => {
    expect([null, undefined, "  "].map(displayName)).toEqual(Array(3).fill("Untitled image"));
  });
});

it("keeps blob addresses on the origin of the page", () => {
  expect(localUrl("https://cdn.test/i/abc/original/a%20b.png?x=1")).toBe(
    "/i/abc/original/a%20b.png?x=1",
  );
});
