import { useState } from "react";
import { PictureIcon } from "./icons";
import "./Thumbnail.css";

/** A small square picture, or a drawn one where the browser cannot show the format. Says nothing: the name is beside it. */
export function Thumbnail({ url }: { url: string | null }) {
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  const shown = url !== null && url !== brokenUrl;
  return (
    <span className={shown ? "thumbnail checkerboard" : "thumbnail"} aria-hidden="true">
      {shown ? (
        <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBrokenUrl(url)} />
      ) : (
        <PictureIcon />
      )}
    </span>
  );
}
