import { expect, it } from "vitest";
import { doneImage, failedImage } from "@test/fixtures";
import { imageRow } from "./imageRow";

it("shows the score of what was measured, and lossless for what had to be identical", () => {
  expect(imageRow(doneImage()).score).toBe(76.25);
  expect(imageRow(doneImage(undefined, { score: null })).score).toBe("lossless");
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
