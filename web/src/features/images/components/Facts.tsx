import type { ReactNode } from "react";
import type { Image } from "@/api/types";
import { formatBytes, formatName, formatPercent, formatScore, savedShare } from "@/format";

/** What is known of an image without its report. */
export function Facts({ image: { id, original, variant } }: { image: Image }) {
  return (
    <dl className="facts">
      <Fact name="Image id">
        <code>{id}</code>
      </Fact>
      <Fact name="Original">
        {formatBytes(original.bytes)} {formatName(original.media_type)}
      </Fact>
      {variant && (
        <Fact name="Compressed">
          {formatBytes(variant.bytes)} {formatName(variant.media_type)}
        </Fact>
      )}
      {variant?.outcome === "compressed" && (
        <Fact name="Saved">
          {formatPercent(savedShare(original.bytes, variant.bytes))} (
          {ratio(original.bytes, variant.bytes)})
        </Fact>
      )}
      <Fact name="Dimensions">
        {original.width} × {original.height}
        {variant && !sameSize(original, variant) && ` to ${variant.width} × ${variant.height}`}
      </Fact>
      {variant?.score != null && (
        <Fact name="Score">
          {formatScore(variant.score)} of 100 <span className="muted">SSIMULACRA2</span>
        </Fact>
      )}
    </dl>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function ratio(before: number, after: number): string {
  return after > 0 ? `${(before / after).toFixed(1)} : 1` : "nothing left";
}

type Size = Pick<Image["original"], "width" | "height">;

function sameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}
