import { problemToError, unreachable } from "@/api/errors";
import { localUrl } from "@/format";

/** Fetches an original back from the server, to send it again after a reload took the file out of reach. */
export async function fetchOriginal(url: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(localUrl(url));
  } catch {
    throw unreachable();
  }
  if (!response.ok) throw problemToError(response.status, await response.text());
  return new Blob([await response.arrayBuffer()], {
    type: response.headers.get("Content-Type") ?? "",
  });
}
