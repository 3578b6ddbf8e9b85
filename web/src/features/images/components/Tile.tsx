import { memo, useState } from "react";
import type { Image } from "@/api/types";
import { PictureIcon } from "@/components/icons";
import { displayName, formatPercent, localUrl, savedShare } from "@/format";

/** The rows of the grid, in pixels (Masonry.css): a tile spans as many as its picture is high. */
const ROW_PX = 4;
const GAP_PX = 16;
/** Panoramas and scrolling screenshots are cropped to these shapes (height by width). */
const FLATTEST = 0.4;
const TALLEST = 2;

interface Props {
  image: Image;
  width: number;
  onOpen: (imageId: string) => void;
}

export const Tile = memo(function Tile({ image, width, onOpen }: Props) {
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  const { original, variant } = image;
  // The original's numbers are those of the stored pixels, before any turn; the variant's are as shown.
  const blob = variant ?? original;
  const shape = Math.min(TALLEST, Math.max(FLATTEST, blob.height / blob.width || 1));
  const span = Math.ceil((width * shape + GAP_PX) / ROW_PX);
  const note = tileNote(image);
  const url = localUrl(blob.url);
  const broken = url === brokenUrl;
  return (
    <li className="tile" data-status={image.status} style={{ gridRowEnd: `span ${span}` }}>
      <button
        type="button"
        className={broken ? "tile-open" : "tile-open checkerboard"}
        aria-label={`Open ${displayName(image.file_name)}, ${note}`}
        onClick={() => onOpen(image.id)}
      >
        {broken ? (
          <PictureIcon />
        ) : (
          <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBrokenUrl(url)} />
        )}
        <span className="tile-note" aria-hidden="true">
          {note}
        </span>
      </button>
    </li>
  );
});

function tileNote({ status, original, variant, external_variant_url: elsewhere }: Image): string {
  if (status === "failed" || status === "cancelled") return status;
  if (elsewhere != null) return "compressed elsewhere";
  if (variant == null) return status === "queued" ? "queued" : "compressing";
  if (variant.outcome === "kept_original") return "kept original";
  return `${formatPercent(savedShare(original.bytes, variant.bytes))} smaller`;
}
