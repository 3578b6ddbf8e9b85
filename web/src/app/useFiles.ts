import { useQueries } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";
import type { Image } from "@/api/types";
import type { RowView } from "@/components/FileRow";
import { imageQuery, isUnfinished } from "@/features/images/api/images";
import { imageRow } from "@/features/images/imageRow";
import { sentImageId, type Upload } from "@/features/upload/upload";
import { uploadRow } from "@/features/upload/uploadRow";

/** One file of this tab: the upload, and the image it became. */
export interface TabFile {
  upload: Upload;
  image: Image | null;
  /** Why the image of a sent upload is not known. */
  error: Error | null;
}

/** Joins this tab's uploads with the images that the server made of them, in the uploads' order. */
export function useFiles(uploads: readonly Upload[]): TabFile[] {
  const sent = uploads.flatMap((upload) => sentImageId(upload) ?? []);
  const results = useQueries({ queries: [...new Set(sent)].map(imageQuery) });
  const byId = new Map([...new Set(sent)].map((id, index) => [id, results[index]]));
  return uploads.map((upload) => {
    const result = byId.get(sentImageId(upload) ?? "");
    return { upload, image: result?.data ?? null, error: result?.error ?? null };
  });
}

export function fileRow(upload: Upload, image: Image | null, error: Error | null): RowView {
  if (image) return imageRow(image);
  const row = uploadRow(upload);
  if (upload.state.kind !== "sent" || error === null) return row;
  const known = error instanceof ApiError;
  return {
    ...row,
    state: {
      kind: "failed",
      title: known ? error.title : "Something went wrong in this page",
      detail: known ? error.detail : "Reload it.",
    },
  };
}

/** True once nothing more will happen to a file by itself. */
export function isSettled({ upload, image, error }: TabFile): boolean {
  if (image) return !isUnfinished(image);
  return upload.state.kind === "failed" || error !== null;
}
