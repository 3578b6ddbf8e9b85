import { useQuery } from "@tanstack/react-query";
import { withAdvice } from "@/api/advice";
import type { Image } from "@/api/types";
import { Dialog } from "@/components/Dialog";
import { ErrorNote } from "@/components/ErrorNote";
import { DownloadIcon } from "@/components/icons";
import { displayName, localUrl } from "@/format";
import { imageQuery } from "../api/images";
import { keptReason } from "../reasons";
import { CompareSlider } from "./CompareSlider";
import { DeleteImage } from "./DeleteImage";
import { Facts } from "./Facts";
import "./ImageDialog.css";
import { Receipt } from "./Receipt";

interface Props {
  imageId: string;
  onClose: () => void;
  /** The image is gone from the server. */
  onDeleted: (imageId: string) => void;
}

/** One image: before and after, both links, and the receipt; and the way to delete it. */
export function ImageDialog({ imageId, onClose, onDeleted }: Props) {
  const { data: image, error, refetch } = useQuery(imageQuery(imageId));
  return (
    <Dialog title={image ? displayName(image.file_name) : "Image"} onClose={onClose}>
      {error && !image && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {image && (
        <div className="image-dialog">
          <div className="image-view">
            <Picture image={image} />
          </div>
          <div className="image-panel">
            <Links image={image} />
            <Outcome image={image} />
            <Facts image={image} />
            <Receipt taskId={image.task_id} />
            <DeleteImage image={image} onDeleted={onDeleted} />
          </div>
        </div>
      )}
    </Dialog>
  );
}

function Picture({ image: { file_name, original, variant } }: { image: Image }) {
  const name = displayName(file_name);
  if (variant?.outcome === "compressed" && sameShape(original, variant)) {
    return (
      <CompareSlider
        beforeUrl={localUrl(original.url)}
        afterUrl={localUrl(variant.url)}
        name={name}
        width={variant.width}
        height={variant.height}
      />
    );
  }
  // What was cut to another shape has no before to lay under it.
  const cut = variant?.outcome === "compressed";
  return (
    <img
      className="image-single checkerboard"
      src={localUrl((cut ? variant : original).url)}
      alt={`${name}, ${cut ? "compressed" : "original"}`}
    />
  );
}

function Links({
  image: { original, variant, external_variant_url: elsewhere },
}: {
  image: Image;
}) {
  return (
    <p className="image-links">
      <a href={original.url} target="_blank" rel="noreferrer">
        Original image
      </a>
      {elsewhere != null && (
        <a href={elsewhere} target="_blank" rel="noreferrer">
          Compressed image
        </a>
      )}
      {variant && (
        <>
          <a href={variant.url} target="_blank" rel="noreferrer">
            Compressed image
          </a>
          <a className="button button-main" href={downloadUrl(variant.url)} download>
            <DownloadIcon /> Download
          </a>
        </>
      )}
    </p>
  );
}

function Outcome({ image }: { image: Image }) {
  const { status, variant, error, external_variant_url: elsewhere } = image;
  if (status === "cancelled") {
    return <p className="image-outcome">Cancelled; the original is kept as it is.</p>;
  }
  if (elsewhere != null) {
    return <p className="image-outcome">Compressed by another program; nothing was measured.</p>;
  }
  if (status === "failed") {
    return (
      <p className="image-outcome image-outcome-failed">
        <strong>Failed: {error?.title ?? "it could not be compressed"}</strong>{" "}
        {error && withAdvice(error.detail, error.code)}
      </p>
    );
  }
  if (variant == null)
    return <p className="image-outcome">Still being compressed; this fills in by itself.</p>;
  if (variant.outcome === "compressed") return null;
  return (
    <p className="image-outcome">
      <strong>Kept original:</strong> {keptReason(variant.reason)}. Its pixels are untouched; only
      private metadata is taken out.
    </p>
  );
}

type Size = Pick<Image["original"], "width" | "height">;

/** Whether two images have the same proportions, one of them perhaps turned: stored sizes are as before any turn. */
function sameShape(one: Size, other: Size): boolean {
  const near = (width: number, height: number) =>
    Math.abs(width * other.height - height * other.width) <= Math.max(width, height) * 2;
  return near(one.width, one.height) || near(one.height, one.width);
}

function downloadUrl(url: string): string {
  return `${localUrl(url)}?download=1`;
}
