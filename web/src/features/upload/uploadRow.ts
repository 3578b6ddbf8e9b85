import type { RowState, RowView } from "@/components/FileRow";
import type { Upload, UploadState } from "./upload";

/** A file that is not an image of the server yet, as a row. */
export function uploadRow({ name, bytes, state }: Upload): RowView {
  return {
    name,
    bytesIn: bytes,
    bytesOut: null,
    format: null,
    score: null,
    state: rowState(state),
  };
}

function rowState(state: UploadState): RowState {
  switch (state.kind) {
    case "waiting":
      return { kind: "busy", label: "Waiting" };
    case "sent":
      return { kind: "busy", label: "Queued" };
    case "uploading":
    case "failed":
      return state;
  }
}
