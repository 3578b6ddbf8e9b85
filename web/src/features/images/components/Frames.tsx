import type { Report } from "@/api/types";
import { formatScore } from "@/format";
import { Fact } from "./Facts";

type Animation = NonNullable<Report["animation"]>;

/** Of an animation: how many frames, for how long, how often, and which is the least like its original. */
export function Frames({ animation }: { animation: Animation }) {
  const { frames, duration_ms, plays, compared_frames, lowest } = animation;
  return (
    <>
      <Fact name="Frames">
        {frames} in {(duration_ms / 1000).toFixed(1)} s, {playsText(plays)}
        {compared_frames === frames && ", all compared"}
      </Fact>
      {lowest && (
        <Fact name="Lowest frame">
          {formatScore(lowest.score)} of 100, frame {lowest.frame + 1}
        </Fact>
      )}
    </>
  );
}

function playsText(plays: number): string {
  if (plays === 0) return "played for ever";
  return plays === 1 ? "played once" : `played ${plays} times`;
}
