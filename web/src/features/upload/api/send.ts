// One upload. XMLHttpRequest, because fetch cannot report how much of a body has been sent.
import { ApiError, problemToError, unreachable } from "@/api/errors";
import { authorization, keyState, refuseKey } from "@/api/key";
import type { Task } from "@/api/types";

export interface SendRequest {
  file: Blob;
  name: string;
  /** Of the address, without the question mark. */
  query: string;
  /** Called with the share of the body sent so far, 0 to 1. */
  onProgress: (fraction: number) => void;
  signal: AbortSignal;
}

/** Posts one file to `/v1/images`. Resolves with its task; rejects with ApiError. */
export function sendImage({ file, name, query, onProgress, signal }: SendRequest): Promise<Task> {
  return new Promise((resolve, reject) => {
    const { key } = keyState();
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/images?${query}`);
    request.setRequestHeader("Accept", "application/json");
    for (const [header, value] of Object.entries(authorization(key))) {
      request.setRequestHeader(header, value);
    }
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
      if (lengthComputable && total > 0) onProgress(loaded / total);
    };
    request.onload = () => {
      if (request.status === 401) refuseKey(key);
      try {
        resolve(readTask(request.status, request.responseText));
      } catch (error) {
        reject(error instanceof Error ? error : unreachable());
      }
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () =>
      reject(new ApiError(0, "The upload was stopped", "Start it again with Retry."));
    signal.addEventListener("abort", () => request.abort(), { once: true });

    const body = new FormData();
    body.append("image", file, name);
    request.send(body);
  });
}

function readTask(status: number, body: string): Task {
  if (status < 200 || status >= 300) throw problemToError(status, body);
  return JSON.parse(body) as Task;
}
