// Why a file was not sent, as the state of its row: what, why, what to do.
import { ApiError } from "@/api/errors";
import { formatBytes, formatLimit } from "@/format";
import type { UploadState } from "./upload";

/** The reason not to send a file at all, or null. */
export function refusalOf({ size }: File, maxBytes: number): UploadState | null {
  if (size === 0) {
    return failed(
      "The file is empty",
      "It has no bytes, so there is no image in it. Choose another file.",
    );
  }
  if (size <= maxBytes) return null;
  const limit = `It has ${formatBytes(size)}; this server takes up to ${formatLimit(maxBytes)}.`;
  return failed("The file is too big", `${limit} Send a smaller one, or ask for a higher limit.`);
}

function failed(title: string, detail: string): UploadState {
  return { kind: "failed", status: 0, title, detail };
}

export function fileIsGone(): ApiError {
  return new ApiError(0, "The file is no longer at hand", "Choose it again.");
}

export function failureOf(error: unknown): UploadState {
  if (error instanceof ApiError) {
    return { kind: "failed", status: error.status, title: error.title, detail: error.detail };
  }
  return failed(
    "The file could not be read",
    "It may have been moved or changed. Choose it again.",
  );
}
