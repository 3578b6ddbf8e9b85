import { useRef, type ReactNode } from "react";
import { Logo } from "@/components/Logo";
import { formatLimit } from "@/format";
import { useWindowDrop } from "../useWindowDrop";
import "./DropZone.css";

interface Props {
  maxBytes: number;
  /** Media types offered by the file chooser. Others can still be dropped, and are refused with a reason. */
  accept: string;
  /** Whether files are listed below: the zone then takes less room. */
  compact: boolean;
  onFiles: (files: File[]) => void;
  children?: ReactNode;
}

/** The dashed zone. It shows where to drop, but the whole window takes a drop and a paste. */
export function DropZone({ maxBytes, accept, compact, onFiles, children }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const dragging = useWindowDrop(onFiles);
  return (
    <section
      className="drop-zone"
      aria-label="Add images"
      data-compact={compact || undefined}
      data-dragging={dragging || undefined}
    >
      <Logo size={compact ? 44 : 72} />
      <div className="drop-zone-text">
        <p className="drop-zone-title">
          {dragging ? "Let go to compress" : "Drop images anywhere"}
        </p>
        <p className="muted">or paste one, or choose files. Up to {formatLimit(maxBytes)} each.</p>
      </div>
      <button type="button" className="button button-main" onClick={() => input.current?.click()}>
        Choose images
      </button>
      <input
        ref={input}
        type="file"
        accept={accept}
        multiple
        hidden
        aria-label="Images to compress"
        onChange={({ currentTarget }) => {
          onFiles(Array.from(currentTarget.files ?? []));
          // Choosing the same file again must be a change.
          currentTarget.value = "";
        }}
      />
      {children}
    </section>
  );
}
