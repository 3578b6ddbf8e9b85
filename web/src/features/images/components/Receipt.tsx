import { useQuery } from "@tanstack/react-query";
import type { Report } from "@/api/types";
import { ErrorNote } from "@/components/ErrorNote";
import { formatBytes } from "@/format";
import { taskQuery } from "../api/task";
import { effortText, formatText, goalText, limitText } from "../choice";
import { Fact } from "./Facts";
import { Frames } from "./Frames";

type MetadataItem = Report["metadata"]["kept"][number];

/** What the engine wrote down: how the file was made, what was kept of its metadata and what was not. */
export function Receipt({ taskId }: { taskId: string }) {
  const { data: task, error, refetch } = useQuery(taskQuery(taskId));
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!task?.report) return null;
  const { recipe, lossless, metadata, warnings, time_ms, engine, animation } = task.report;
  const limit = limitText(task.report);
  return (
    <dl className="facts">
      <Fact name="Asked for">{goalText(task.report)}</Fact>
      {limit !== null && <Fact name="Limit">{limit}</Fact>}
      <Fact name="Format">{formatText(task.report)}</Fact>
      <Fact name="Effort">{effortText(task.report)}</Fact>
      <Fact name="Metadata kept">{listOf(metadata.kept)}</Fact>
      <Fact name="Metadata dropped">{listOf(metadata.dropped)}</Fact>
      {metadata.orientation_applied != null && (
        <Fact name="Orientation">applied to the pixels (EXIF {metadata.orientation_applied})</Fact>
      )}
      {animation && <Frames animation={animation} />}
      {lossless && <Fact name="Pixels">proven identical</Fact>}
      <Fact name="Made by">
        {recipe.encoder} {recipe.version} in {duration(time_ms)}, {engine}
      </Fact>
      {warnings.length > 0 && (
        <Fact name="Notes">{warnings.map(({ detail }) => detail).join(" ")}</Fact>
      )}
    </dl>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  icc: "color profile",
  exif: "EXIF",
  xmp: "XMP",
  iptc: "IPTC",
  gps: "location",
  gain_map: "gain map",
  time: "time stamp",
  trailer: "bytes after the end",
};

function listOf(items: readonly MetadataItem[]): string {
  if (items.length === 0) return "none";
  return items
    .map(({ kind, bytes }) => `${KINDS[kind] ?? kind} (${formatBytes(bytes)})`)
    .join(", ");
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
