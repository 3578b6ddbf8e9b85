import { useEffect, useEffectEvent, useState } from "react";
import { carriesFiles, droppedFiles } from "./files";

/** Takes files dropped or pasted anywhere in the window. Returns whether files are being dragged over it. */
export function useWindowDrop(onFiles: (files: File[]) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const take = useEffectEvent((files: File[]) => {
    if (files.length > 0) onFiles(files);
  });

  useEffect(() => {
    // dragenter and dragleave fire for every element passed: only the balance says "outside the window".
    let depth = 0;
    const move = (by: number) => (event: DragEvent) => {
      if (!carriesFiles(event.dataTransfer)) return;
      depth = Math.max(0, depth + by);
      setDragging(depth > 0);
    };
    const onOver = (event: DragEvent) => {
      if (carriesFiles(event.dataTransfer)) event.preventDefault();
    };
    const onDrop = (event: DragEvent) => {
      depth = 0;
      setDragging(false);
      if (event.dataTransfer === null || !carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      const plain = Array.from(event.dataTransfer.files);
      // A folder that cannot be read gives at least the plain files.
      droppedFiles(event.dataTransfer).then(take, () => take(plain));
    };
    const onPaste = (event: ClipboardEvent) => {
      if (!carriesFiles(event.clipboardData)) return;
      event.preventDefault();
      take(Array.from(event.clipboardData?.files ?? []));
    };

    const listening = new AbortController();
    const { signal } = listening;
    window.addEventListener("dragenter", move(1), { signal });
    window.addEventListener("dragleave", move(-1), { signal });
    window.addEventListener("dragover", onOver, { signal });
    window.addEventListener("drop", onDrop, { signal });
    window.addEventListener("paste", onPaste, { signal });
    return () => listening.abort();
  }, []);

  return dragging;
}
