import { memo, useMemo } from "react";
import type { Image } from "@/api/types";
import { FileRow } from "@/components/FileRow";
import { localUrl } from "@/format";
import type { Upload } from "@/features/upload/upload";
import "./FileList.css";
import { fileRow, type TabFile } from "./useFiles";

interface Actions {
  onOpen: (imageId: string) => void;
  onRetry: (uploadId: string, originalUrl?: string) => void;
}

/** A row per file of this tab, newest on top. */
export function FileList({ files, ...actions }: Actions & { files: TabFile[] }) {
  if (files.length === 0) return null;
  return (
    <section aria-labelledby="files-title">
      <h2 id="files-title" className="visually-hidden">
        Files
      </h2>
      <ul className="file-list">
        {files.map((file) => (
          <Row key={file.upload.id} {...file} {...actions} />
        ))}
      </ul>
    </section>
  );
}

type RowProps = TabFile & Actions;

const Row = memo(function Row({ upload, image, error, onOpen, onRetry }: RowProps) {
  const view = useMemo(() => fileRow(upload, image, error), [upload, image, error]);
  return (
    <FileRow
      view={view}
      thumbnailUrl={thumbnailUrl(upload, image)}
      onOpen={image ? () => onOpen(image.id) : undefined}
      onRetry={() => onRetry(upload.id, image?.original.url)}
    />
  );
});

function thumbnailUrl({ previewUrl }: Upload, image: Image | null): string | null {
  const blob = image?.variant ?? image?.original;
  return previewUrl ?? (blob ? localUrl(blob.url) : null);
}
