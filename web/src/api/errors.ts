import { withAdvice } from "./advice";
import type { Problem } from "./types";

/** A request that failed, in words a person can act on. `status` is 0 when no answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

export function unreachable(): ApiError {
  return new ApiError(
    0,
    "The server cannot be reached",
    "The connection was closed before an answer came. Check that Demitasse is running and that you are online, then try again.",
  );
}

/** Reads the problem document of a failed answer; a proxy's HTML page gives a plain sentence instead. */
export function problemToError(status: number, body: string): ApiError {
  const problem = parseProblem(body);
  return new ApiError(
    status,
    problem?.title ?? `The server answered ${status}`,
    problem?.detail === undefined
      ? fallbackDetail(status)
      : withAdvice(problem.detail, problem.code),
  );
}

function parseProblem(body: string): Partial<Problem> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function fallbackDetail(status: number): string {
  if (status === 413)
    return "A proxy in front of Demitasse refused a file of this size. Raise its body limit.";
  if (status >= 500)
    return "Something failed on the server. Try again; if it stays, look at the server's log.";
  return "Try again; if it stays, look at the server's log.";
}
