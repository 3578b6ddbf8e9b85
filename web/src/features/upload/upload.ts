/** Where one file of this tab is, from the drop to the server's 202. What follows is the image's status. */
export type UploadState =
  | { kind: "waiting" }
  | { kind: "uploading"; fraction: number }
  | { kind: "sent"; imageId: string }
  | { kind: "failed"; status: number; title: string; detail: string };

export interface Upload {
  /** Local to this page. */
  id: string;
  name: string;
  bytes: number;
  /** What was asked of it, as the query of its upload. */
  query: string;
  /** A blob: URL of the chosen file; null after a reload. */
  previewUrl: string | null;
  state: UploadState;
}

export function sentImageId({ state }: Upload): string | null {
  return state.kind === "sent" ? state.imageId : null;
}
