import { memo } from "react";
import { displayName, formatBytes, formatPercent, formatScore, savedShare } from "@/format";
import "./FileRow.css";
import { RetryIcon } from "./icons";
import { Thumbnail } from "./Thumbnail";

export type RowState =
  | { kind: "uploading"; fraction: number }
  | { kind: "busy"; label: "Waiting" | "Queued" | "Compressing" | "Trying again" }
  | { kind: "done"; over: boolean }
  | { kind: "kept"; reason: string }
  | { kind: "failed"; title: string; detail: string };

/** What a row shows, whether it is still an upload or already an image. */
export interface RowView {
  name: string | null;
  bytesIn: number;
  bytesOut: number | null;
  format: string | null;
  score: number | "lossless" | null;
  state: RowState;
}

interface Props {
  view: RowView;
  thumbnailUrl: string | null;
  onOpen?: (() => void) | undefined;
  onRetry: () => void;
}

/** One file: thumbnail, name, bytes in and out, what was saved, and where it is. */
export const FileRow = memo(function FileRow({ view, thumbnailUrl, onOpen, onRetry }: Props) {
  const name = displayName(view.name);
  return (
    <li className="row" data-state={view.state.kind}>
      <Thumbnail url={thumbnailUrl} />
      <div className="row-name">
        {onOpen ? (
          <button type="button" className="row-open" title={name} onClick={onOpen}>
            <bdi>{name}</bdi>
          </button>
        ) : (
          <span className="row-title" title={name}>
            <bdi>{name}</bdi>
          </span>
        )}
        <Badges format={view.format} score={view.score} />
      </div>
      <Sizes view={view} />
      <State state={view.state} name={name} onRetry={onRetry} />
    </li>
  );
});

const LOSSLESS = "Every pixel is the same as in the original";
const MEASURED = "SSIMULACRA2, 0 to 100: 90 and more cannot be told from the original";

function Badges({ format, score }: Pick<RowView, "format" | "score">) {
  return (
    <span className="row-badges">
      {format !== null && <span className="badge">{format}</span>}
      {score !== null && (
        <span className="badge" title={score === "lossless" ? LOSSLESS : MEASURED}>
          {score === "lossless" ? score : `score ${formatScore(score)}`}
        </span>
      )}
    </span>
  );
}

function Sizes({ view: { bytesIn, bytesOut } }: { view: RowView }) {
  if (bytesOut === null) return <span className="row-sizes">{formatBytes(bytesIn)}</span>;
  const share = savedShare(bytesIn, bytesOut);
  return (
    <span className="row-sizes">
      <span>
        <span className="muted">{formatBytes(bytesIn)}</span>
        <span aria-hidden="true"> → </span>
        <span className="visually-hidden"> to </span>
        {formatBytes(bytesOut)}
      </span>
      <strong className={share > 0 ? "saved" : "muted"}>
        {share > 0 && "−"}
        {formatPercent(share)}
      </strong>
      <span className="row-bar" aria-hidden="true" style={{ "--left": 1 - share }} />
    </span>
  );
}

function State({ state, name, onRetry }: { state: RowState; name: string; onRetry: () => void }) {
  switch (state.kind) {
    case "uploading":
      return <Progress fraction={state.fraction} name={name} />;
    case "busy":
      return (
        <span className="row-state">
          <span className="pulse" aria-hidden="true" /> {state.label}
        </span>
      );
    case "done":
      return state.over ? (
        <span className="row-state row-kept">Could not: more bytes than asked for</span>
      ) : (
        <span className="row-state saved">Done</span>
      );
    case "kept":
      return <span className="row-state row-kept">Kept original: {state.reason}</span>;
    case "failed":
      return (
        <div className="row-state row-failed">
          <p>
            <strong>Failed: {state.title}</strong> {state.detail}
          </p>
          <button type="button" className="button" aria-label={`Retry ${name}`} onClick={onRetry}>
            <RetryIcon /> Retry
          </button>
        </div>
      );
  }
}

function Progress({ fraction, name }: { fraction: number; name: string }) {
  return (
    <span className="row-state row-progress">
      <span>Uploading {formatPercent(fraction)}</span>
      <progress max={1} value={fraction} aria-label={`Uploading ${name}`} />
    </span>
  );
}
