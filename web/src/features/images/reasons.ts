/** Why an original was kept, as the end of a sentence: the server gives a sentence of its own. */
export function keptReason(reason: string | null | undefined): string {
  const text = (reason ?? "").trim().replace(/\.$/, "");
  return text === "" ? "already optimal" : text.charAt(0).toLowerCase() + text.slice(1);
}
