import { kindsTo, readExceptions, type Exceptions } from "./metadata";

// What is asked of an upload beside its file. Pure: the form's state, and the query made of it; in words: `describe.ts`.
const GOALS = ["preset", "score", "bytes"] as const;
export const UNITS = ["kB", "MB"] as const;
export const EFFORTS = ["fast", "balanced", "max"] as const;
export const POLICIES = ["web", "archive", "private"] as const;
export const COLORS = ["keep", "srgb"] as const;
export const RESIZES = ["none", "scale", "fit", "cover", "thumb"] as const;

/** What the server takes where no floor is given. */
export const DEFAULT_FLOOR = 30;

export type Effort = (typeof EFFORTS)[number];
export type MetadataPolicy = (typeof POLICIES)[number];
export type Colors = (typeof COLORS)[number];
export type ResizeMethod = (typeof RESIZES)[number];

/** Text fields are kept as typed: an option that is not complete is shown, and not sent. */
export interface Options {
  goal: (typeof GOALS)[number];
  preset: string;
  score: number;
  maxBytes: string;
  unit: (typeof UNITS)[number];
  /** Score that a limit of bytes may not go below. */
  floor: number;
  /** `keep`, `auto` or a format's name. */
  format: string;
  effort: Effort;
  /** What survives beside pixels. */
  metadata: MetadataPolicy;
  /** Kinds of them that are decided otherwise. */
  exceptions: Exceptions;
  /** Whether pixels of another colour space are converted. */
  colors: Colors;
  resize: ResizeMethod;
  width: string;
  height: string;
  enlarge: boolean;
  /** Whether what is left of a damaged file is asked for. */
  salvage: boolean;
}

/** What this server knows; `formats` are those that it writes. */
export interface Offer {
  presets: readonly string[];
  defaultPreset: string;
  formats: readonly string[];
}

export function defaultOptions({ defaultPreset }: Offer): Options {
  return {
    goal: "preset",
    preset: defaultPreset,
    score: 75,
    maxBytes: "",
    unit: "kB",
    floor: DEFAULT_FLOOR,
    format: "keep",
    effort: "balanced",
    metadata: "web",
    exceptions: {},
    colors: "keep",
    resize: "none",
    width: "",
    height: "",
    enlarge: false,
    salvage: false,
  };
}

/** Reads what an earlier page, perhaps of another version or server, has stored; what is not known here is left out. */
export function readOptions(stored: unknown, offer: Offer): Options {
  const options = defaultOptions(offer);
  if (typeof stored !== "object" || stored === null) return options;
  const found = stored as Record<string, unknown>;
  const oneOf = <T extends string>(known: readonly T[], value: unknown, otherwise: T): T =>
    known.find((word) => word === value) ?? otherwise;
  const text = (value: unknown) => (typeof value === "string" ? value.slice(0, 12) : "");
  const scoreOr = (value: unknown, otherwise: number) =>
    typeof value === "number" && value >= 1 && value <= 100 ? value : otherwise;
  return {
    goal: oneOf(GOALS, found.goal, options.goal),
    preset: oneOf(offer.presets, found.preset, options.preset),
    score: scoreOr(found.score, options.score),
    maxBytes: text(found.maxBytes),
    unit: oneOf(UNITS, found.unit, options.unit),
    floor: scoreOr(found.floor, options.floor),
    format: oneOf(["keep", "auto", ...offer.formats], found.format, options.format),
    effort: oneOf(EFFORTS, found.effort, options.effort),
    metadata: oneOf(POLICIES, found.metadata, options.metadata),
    exceptions: readExceptions(found.exceptions),
    colors: oneOf(COLORS, found.colors, options.colors),
    resize: oneOf(RESIZES, found.resize, options.resize),
    width: text(found.width),
    height: text(found.height),
    enlarge: found.enlarge === true,
    salvage: found.salvage === true,
  };
}

/** The query of `POST /v1/images`. */
export function queryOf(options: Options): string {
  const query = new URLSearchParams();
  if (options.goal === "score") query.set("target", `${options.score}`);
  else if (options.goal === "bytes" && bytesProblem(options) === null) {
    query.set("max_bytes", `${options.maxBytes.trim()}${options.unit}`);
    if (options.floor !== DEFAULT_FLOOR) query.set("floor", `${options.floor}`);
  } else query.set("preset", options.preset);
  if (options.format !== "keep") query.set("format", options.format);
  if (options.effort !== "balanced") query.set("effort", options.effort);
  if (options.metadata !== "web") query.set("metadata", options.metadata);
  for (const verdict of ["keep", "drop"] as const) {
    const kinds = kindsTo(verdict, options.exceptions);
    if (kinds.length > 0) query.set(verdict, kinds.join(","));
  }
  if (options.colors !== "keep") query.set("color_space", options.colors);
  if (options.resize !== "none" && sizeProblem(options) === null) {
    query.set("resize", options.resize);
    if (options.width.trim() !== "") query.set("width", options.width.trim());
    if (options.height.trim() !== "") query.set("height", options.height.trim());
    if (options.enlarge) query.set("enlarge", "true");
  }
  if (options.salvage) query.set("salvage", "true");
  return `${query}`;
}

/** The preset that counts, or null where another goal does. */
export function chosenPreset(options: Options): string | null {
  return options.goal === "preset" || bytesProblem(options) !== null ? options.preset : null;
}

/** What keeps a limit of bytes from being sent, or null. */
export function bytesProblem({ goal, maxBytes }: Options): string | null {
  if (goal !== "bytes" || /^(?=.*[1-9])\d{1,9}(\.\d+)?$/.test(maxBytes.trim())) return null;
  return "Type a number of bytes. Until then the quality above is what counts.";
}

/** What keeps another size from being sent, or null. */
export function sizeProblem({ resize, width, height }: Options): string | null {
  if (resize === "none") return null;
  const sides = [width, height].map((side) => side.trim());
  const typed = sides.filter((side) => side !== "");
  const needed = resize === "scale" ? 1 : 2;
  if (typed.every((side) => /^[1-9]\d{0,5}$/.test(side)) && typed.length === needed) return null;
  return needed === 1
    ? "Type a width or a height, not both. Until then the size stays."
    : "Type a width and a height. Until then the size stays.";
}
