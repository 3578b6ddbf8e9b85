// What of the metadata is asked to stay, kind by kind.

/** The names that the server knows, and what they are called here. */
export const KINDS = {
  copyright: "Copyright and author",
  date: "Dates",
  gps: "Places",
  camera: "Camera and lens",
  xmp: "XMP",
  iptc: "IPTC",
  comment: "Comments",
  gain_map: "Gain map (HDR)",
} as const;

export const VERDICTS = ["policy", "keep", "drop"] as const;

export type Kind = keyof typeof KINDS;
export type Verdict = (typeof VERDICTS)[number];
/** Kinds that the policy does not decide. */
export type Exceptions = Readonly<Partial<Record<Kind, "keep" | "drop">>>;

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** The kinds with this verdict, in the order of the list. */
export function kindsTo(verdict: "keep" | "drop", exceptions: Exceptions): Kind[] {
  return KIND_NAMES.filter((kind) => exceptions[kind] === verdict);
}

/** The same with another verdict on one kind. */
export function decide(exceptions: Exceptions, kind: Kind, verdict: Verdict): Exceptions {
  const entries = KIND_NAMES.flatMap((name) => {
    const found = name === kind ? verdict : (exceptions[name] ?? "policy");
    return found === "policy" ? [] : [[name, found] as const];
  });
  return Object.fromEntries(entries);
}

/** Reads what an earlier page has stored; what is not known here is left out. */
export function readExceptions(stored: unknown): Exceptions {
  if (typeof stored !== "object" || stored === null) return {};
  const found = stored as Record<string, unknown>;
  return KIND_NAMES.reduce<Exceptions>((known, kind) => {
    const verdict = VERDICTS.find((word) => word === found[kind]);
    return verdict === undefined ? known : decide(known, kind, verdict);
  }, {});
}
