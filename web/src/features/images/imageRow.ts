import { withAdvice } from "@/api/advice";
import type { Image } from "@/api/types";
import type { RowState, RowView } from "@/components/FileRow";
import { formatName } from "@/format";
import { keptReason } from "./reasons";

/** An image of the server as a row. */
export function imageRow(image: Image): RowView {
  const { original, variant } = image;
  return {
    name: image.file_name ?? null,
    bytesIn: original.bytes,
    bytesOut: variant?.bytes ?? null,
    format: formatName(variant?.media_type ?? original.media_type),
    score: score(variant),
    state: rowState(image),
  };
}

function score(variant: Image["variant"]): RowView["score"] {
  if (variant?.outcome !== "compressed") return variant?.score ?? null;
  return variant.score ?? (variant.lossless ? "lossless" : null);
}

function rowState({ status, variant, error }: Image): RowState {
  switch (status) {
    case "queued":
      return { kind: "busy", label: "Queued" };
    case "running":
      return { kind: "busy", label: "Compressing" };
    case "retrying":
      return { kind: "busy", label: "Trying again" };
    case "succeeded":
      return variant?.outcome === "kept_original"
        ? { kind: "kept", reason: keptReason(variant.reason) }
        : { kind: "done", over: variant?.within_max_bytes === false };
    case "cancelled":
      return { kind: "failed", title: "Cancelled", detail: "The original is kept as it is." };
    case "failed":
      return {
        kind: "failed",
        title: error?.title ?? "It could not be compressed",
        detail: error
          ? withAdvice(error.detail, error.code)
          : "The server gave no reason. Try again; if it stays, look at its log.",
      };
  }
}
