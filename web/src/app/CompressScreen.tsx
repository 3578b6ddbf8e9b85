import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState, useSyncExternalStore } from "react";
import type { Info } from "@/api/types";
import { removeImage } from "@/features/images/api/images";
import { useLiveImages } from "@/features/images/api/live";
import { ImageDialog } from "@/features/images/components/ImageDialog";
import { Masonry } from "@/features/images/components/Masonry";
import { DropZone } from "@/features/upload/components/DropZone";
import { OptionsDisclosure } from "@/features/upload/components/OptionsDisclosure";
import { PresetChips } from "@/features/upload/components/PresetChips";
import { chosenPreset, queryOf } from "@/features/upload/options";
import type { UploadQueue } from "@/features/upload/queue";
import { sentImageId } from "@/features/upload/upload";
import { useOptions } from "@/features/upload/useOptions";
import { Announcer } from "./Announcer";
import { Connection } from "./Connection";
import { FileList } from "./FileList";
import { Totals } from "./Totals";
import { useFiles } from "./useFiles";

/** The home screen: drop, watch, compare. */
export function CompressScreen({ info, queue }: { info: Info; queue: UploadQueue }) {
  const client = useQueryClient();
  const [openImage, setOpenImage] = useState<string | null>(null);
  const forget = useCallback(
    (imageId: string) => {
      const rows = queue.snapshot().filter((upload) => sentImageId(upload) === imageId);
      queue.remove(new Set(rows.map(({ id }) => id)));
      setOpenImage((open) => (open === imageId ? null : open));
      removeImage(client, imageId);
    },
    [client, queue],
  );
  const connection = useLiveImages(forget);
  const files = useFiles(useSyncExternalStore(queue.subscribe, queue.snapshot));
  const [options, offer, setOptions] = useOptions(info);
  const retry = useCallback((id: string, url?: string) => queue.retry(id, url), [queue]);

  return (
    <>
      <main className="page">
        <DropZone
          maxBytes={info.limits.max_bytes}
          accept={acceptedTypes(info)}
          compact={files.length > 0}
          onFiles={(chosen) => queue.add(chosen, queryOf(options), info.limits.max_bytes)}
        >
          <PresetChips
            presets={info.presets}
            chosen={chosenPreset(options)}
            onChoose={(preset) => setOptions({ ...options, preset, goal: "preset" })}
          />
          <OptionsDisclosure options={options} offer={offer} onChange={setOptions} />
        </DropZone>
        <Connection state={connection} />
        <FileList files={files} onOpen={setOpenImage} onRetry={retry} />
        <Masonry onOpen={setOpenImage} />
      </main>
      <Totals files={files} onClear={(ids) => queue.remove(ids)} />
      <Announcer files={files} />
      {openImage !== null && (
        <ImageDialog imageId={openImage} onClose={() => setOpenImage(null)} onDeleted={forget} />
      )}
    </>
  );
}

function acceptedTypes({ formats }: Info): string {
  return formats.flatMap((format) => (format.decodes ? [format.media_type] : [])).join(",");
}
