// What a receipt says of what was asked and what was chosen, in words. Pure.
import type { Report } from "@/api/types";
import { formatBytes, formatName, formatScore } from "@/format";

type Candidate = Report["candidates"][number];

/** What had to be held. */
export function goalText({ request: { target } }: Report): string {
  switch (target.kind) {
    case "score":
      return `a score of ${target.score} or more`;
    case "quality":
      return `the encoder's quality ${target.quality}`;
    case "lossless":
      return "every pixel as it was";
    case "max_bytes":
      return `at most ${formatBytes(target.max_bytes)}, at a score of ${target.floor} or more`;
  }
}

/** Whether a limit of bytes was kept, or null where none was set. */
export function limitText({ request: { target }, output, outcome }: Report): string | null {
  if (target.kind !== "max_bytes") return null;
  if (output.bytes <= target.max_bytes) return `Kept: ${formatBytes(output.bytes)}`;
  return outcome === "kept_original"
    ? `Could not: the original was kept, which has ${formatBytes(output.bytes)}`
    : `Could not: no file this small holds a score of ${target.floor}. This one has ${formatBytes(output.bytes)}`;
}

export function effortText({ request, score, lossless, outcome }: Report): string {
  const effort = request.effort ?? "balanced";
  const unmeasured = outcome === "compressed" && score == null && !lossless;
  return unmeasured ? `${effort}; the score was not measured` : effort;
}

/** Which format came out, and why that one. */
export function formatText({ request, input, output, outcome, candidates }: Report): string {
  const name = nameOf(output.format);
  if (outcome === "kept_original") return `${name}, as it was`;
  if (request.format === "keep") {
    const same = input.format === output.format;
    return same
      ? `${name}, as the original`
      : `${name}: browsers do not show ${nameOf(input.format)}`;
  }
  if (request.format === output.format) return `${name}, as asked`;
  const limited = request.target.kind === "max_bytes";
  const others = [...new Set(candidates.map(({ format }) => format))]
    .filter((format) => format !== output.format)
    .map((format) => otherText(format, candidates, limited));
  const why = limited ? "the best that was found" : "the smallest that keeps the goal";
  return [`${name}: ${why}`, ...others].join("; ");
}

/** The best that a format that was not chosen came to. */
function otherText(
  format: Candidate["format"],
  candidates: readonly Candidate[],
  limited: boolean,
): string {
  const tried = candidates.filter((candidate) => candidate.format === format);
  const sizes = tried.flatMap(({ verdict, bytes }) =>
    verdict === "larger" && bytes != null ? [bytes] : [],
  );
  const name = nameOf(format);
  const best = Math.max(...tried.flatMap(({ score }) => score ?? []));
  if (limited && best > -Infinity) return `${name} reaches ${formatScore(best)}`;
  if (sizes.length > 0) return `${name} needs ${formatBytes(Math.min(...sizes))}`;
  if (tried.some(({ verdict }) => verdict === "below_target"))
    return best > -Infinity
      ? `${name} reaches ${formatScore(best)} only`
      : `${name} does not reach it`;
  return tried.some(({ verdict }) => verdict === "failed") ? `${name} failed` : `${name} is larger`;
}

function nameOf(format: string): string {
  return formatName(`image/${format}`);
}
