import { expect, it } from "vitest";
import { describeOptions } from "./describe";
import {
  chosenPreset,
  defaultOptions,
  queryOf,
  readOptions,
  type Offer,
  type Options,
} from "./options";

const offer: Offer = {
  presets: ["small", "balanced"],
  defaultPreset: "balanced",
  formats: ["jpeg", "webp"],
};

const options = (changes: Partial<Options> = {}): Options => ({
  ...defaultOptions(offer),
  ...changes,
});

it("asks for the preset alone until something else is chosen", () => {
  expect(queryOf(options())).toBe("preset=balanced");
  expect(describeOptions(options())).toEqual([]);
});

it("asks for everything that was chosen, and says so in a few words", () => {
  const chosen = options({
    goal: "bytes",
    maxBytes: "1.5",
    unit: "MB",
    format: "webp",
    effort: "max",
    metadata: "private",
    exceptions: { gps: "drop", camera: "keep", copyright: "keep" },
    colors: "srgb",
    resize: "fit",
    width: "800",
    height: " 600",
    enlarge: true,
    floor: 55,
    salvage: true,
  });
  expect(queryOf(chosen)).toBe(
    "max_bytes=1.5MB&floor=55&format=webp&effort=max&metadata=private&keep=copyright%2Ccamera&drop=gps&color_space=srgb&resize=fit&width=800&height=600&enlarge=true&salvage=true",
  );
  expect(describeOptions(chosen)).toEqual([
    "at most 1.5 MB",
    "score 55 or more",
    "WebP",
    "max effort",
    "no metadata kept",
    "keep Copyright and author, Camera and lens",
    "drop Places",
    "colours as sRGB",
    "fit 800 × 600",
    "damaged files too",
  ]);
  expect(chosenPreset(chosen)).toBeNull();
});

it("asks for a score instead of the preset", () => {
  expect(queryOf(options({ goal: "score", score: 82 }))).toBe("target=82");
});

it("scales to one side", () => {
  const scaled = options({ resize: "scale", height: "600" });
  expect(queryOf(scaled)).toBe("preset=balanced&resize=scale&height=600");
  expect(describeOptions(scaled)).toEqual(["600 high"]);
});

it("leaves out what is not complete, and says that it is not", () => {
  for (const maxBytes of ["", "0", "many", "1e9", "-5"]) {
    const limited = options({ goal: "bytes", maxBytes });
    expect(queryOf(limited)).toBe("preset=balanced");
    expect(describeOptions(limited)).toEqual(["limit not complete"]);
    expect(chosenPreset(limited)).toBe("balanced");
  }
  for (const [resize, width, height] of [
    ["fit", "800", ""],
    ["scale", "800", "600"],
    ["cover", "0", "600"],
    ["thumb", "a", "b"],
  ] as const) {
    const sized = options({ resize, width, height });
    expect(queryOf(sized)).toBe("preset=balanced");
    expect(describeOptions(sized)).toEqual(["size not complete"]);
  }
});

it("reads back what was stored, less what this server does not know", () => {
  const stored = options({ goal: "score", score: 60, format: "webp", effort: "fast" });
  expect(readOptions(JSON.parse(JSON.stringify(stored)), offer)).toEqual(stored);
  for (const wrong of [
    null,
    "x",
    7,
    [],
    { preset: "gone", format: "avif", score: 400, width: 8 },
  ]) {
    expect(readOptions(wrong, offer)).toEqual(options());
  }
});
