import { expect, it } from "vitest";
import { doneImage, failedImage } from "@test/fixtures";
import { imageRow } from "./imageRow";

it("shows the score of what was measured, lossless for what is identical, and else nothing", () => {
  expect(imageRow(doneImage()).score).toBe(76.25);
  expect(imageRow(doneImage(undefined, { score: null, lossless: true })).score).toBe("lossless");
  expect(imageRow(doneImage(undefined, { score: null })).score).toBeNull();
});

it("says that a limit of bytes could not be kept", () => {
  expect(imageRow(doneImage(undefined, { within_max_bytes: true })).state).toEqual({
    kind: "done",
    over: false,
  });
  expect(imageRow(doneImage(undefined, { within_max_bytes: false })).state).toEqual({
    kind: "done",
    over: true,
  });
});

it("shows no score for an original that was kept", () => {
  const kept = doneImage(undefined, {
    outcome: "kept_original",
    score: null,
    reason: "It is optimal.",
  });
  expect(imageRow(kept)).toMatchObject({
    score: null,
    state: { kind: "kept", reason: "it is optimal" },
  });
});

it("says what failed, why, and what to do", () => {
  expect(imageRow(failedImage()).state).toEqual({
    kind: "failed",
    title: "The image is damaged",
    detail:
      "The JPEG ends early. Export or copy the image again from where it came, and send that.",
  });
});
