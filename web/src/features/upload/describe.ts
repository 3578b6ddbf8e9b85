// What is asked of an upload, in words.
import { formatName } from "@/format";
import { KINDS, kindsTo } from "./metadata";
import { bytesProblem, DEFAULT_FLOOR, sizeProblem, type Options } from "./options";

/** What is not as a first visitor finds it, in a few words each; the preset has its own place on the page. */
export function describeOptions(options: Options): string[] {
  const parts: string[] = [];
  if (options.goal === "score") parts.push(`score ${options.score}`);
  if (options.goal === "bytes") {
    const incomplete = bytesProblem(options) !== null;
    parts.push(
      incomplete ? "limit not complete" : `at most ${options.maxBytes.trim()} ${options.unit}`,
    );
    if (!incomplete && options.floor !== DEFAULT_FLOOR)
      parts.push(`score ${options.floor} or more`);
  }
  if (options.format === "auto") parts.push("smallest format");
  else if (options.format !== "keep") parts.push(formatName(options.format));
  if (options.effort !== "balanced") parts.push(`${options.effort} effort`);
  if (options.metadata !== "web") parts.push(METADATA[options.metadata]);
  for (const verdict of ["keep", "drop"] as const) {
    const kinds = kindsTo(verdict, options.exceptions).map((kind) => KINDS[kind]);
    if (kinds.length > 0) parts.push(`${verdict} ${kinds.join(", ")}`);
  }
  if (options.colors !== "keep") parts.push("colours as sRGB");
  if (options.resize !== "none") parts.push(describeSize(options));
  if (options.salvage) parts.push("damaged files too");
  return parts;
}

const METADATA = { archive: "all metadata kept", private: "no metadata kept" };

function describeSize(options: Options): string {
  if (sizeProblem(options) !== null) return "size not complete";
  const [width, height] = [options.width.trim(), options.height.trim()];
  if (options.resize !== "scale") return `${options.resize} ${width} × ${height}`;
  return width !== "" ? `${width} wide` : `${height} high`;
}
