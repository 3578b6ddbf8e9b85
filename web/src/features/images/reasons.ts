const REASONS: Readonly<Record<string, string>> = {
  already_compressed: "already optimal",
  no_smaller_candidate: "already optimal, nothing smaller looks as good",
  target_not_reached: "nothing smaller looks as good as asked for",
  animated: "animations are left as they are",
  verification_failed: "the result did not pass its check",
  no_encoder: "this format cannot be written yet",
};

/** Why an original was kept, for people; a code this page does not know is shown in plain words. */
export function keptReason(reason: string | null | undefined): string {
  if (reason == null) return "already optimal";
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}
