import { expect, it } from "vitest";
import { doneImage, failedImage, queuedImage } from "@test/fixtures";
import { totalsSentence } from "./Totals";
import type { TabFile } from "./useFiles";
import type { Image } from "@/api/types";

function file(image: Image | null): TabFile {
  const state = image
    ? ({ kind: "sent", imageId: image.id } as const)
    : ({ kind: "waiting" } as const);
  const upload = {
    id: "1",
    name: "cup.png",
    bytes: 400,
    query: "preset=balanced",
    previewUrl: null,
    state,
  };
  return { upload, image, error: null };
}

const sentence = (...images: (Image | null)[]) =>
  totalsSentence(images.map(file)).replaceAll("\u00a0", " ");

it("sums finished files in one sentence", () => {
  expect(sentence(doneImage(), doneImage())).toBe("2 files, 800 B to 200 B, saved 600 B (75 %)");
});

it("counts an original that was kept as nothing saved", () => {
  expect(sentence(doneImage(undefined, { bytes: 400, outcome: "kept_original" }))).toBe(
    "1 file, 400 B to 400 B, saved 0 B (0 %)",
  );
});

it("says how many of the files are finished, and how many failed", () => {
  expect(sentence(doneImage(), failedImage(), queuedImage(), null)).toBe(
    "2 of 4 files, 400 B to 100 B, saved 300 B (75 %), 1 failed",
  );
});
