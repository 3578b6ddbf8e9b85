// What a person can do about an error, by its code. The server's detail says what went wrong and why; that of
// `unsupported` says what to do as well, so it is not here.

const AGAIN = "Send it again; nothing was kept.";
const LOG = "Try again; if it stays, the server's log has the cause.";

const ADVICE: Readonly<Record<string, string>> = {
  malformed: "Export or copy the image again from where it came, and send that.",
  limit_exceeded: "Send a smaller image, or ask whoever runs this server for a higher limit.",
  empty_file: "Choose another file.",
  deadline_exceeded: "Try again when the server has less to do, or send a smaller image.",
  interrupted: AGAIN,
  too_slow: AGAIN,
  crashed: LOG,
  codec_failed: LOG,
  internal: LOG,
  unavailable: "Try again in a few seconds.",
  storage_full: "Free disk space on the server, then try again.",
};

/** The detail of an error, followed by what to do about it where that is known. */
export function withAdvice(detail: string, code: string | undefined): string {
  const advice = ADVICE[code ?? ""];
  return advice === undefined ? detail : `${detail} ${advice}`;
}
