import { formatBytes, formatPercent, plural, savedShare } from "@/format";
import "./Totals.css";
import { isSettled, type TabFile } from "./useFiles";

interface Props {
  files: TabFile[];
  onClear: (uploadIds: ReadonlySet<string>) => void;
}

/** The sum of this tab in one sentence, always in sight. */
export function Totals({ files, onClear }: Props) {
  if (files.length === 0) return null;
  const settled = files.filter(isSettled);
  return (
    <footer className="totals">
      <p>{totalsSentence(files)}</p>
      <button
        type="button"
        className="button"
        disabled={settled.length === 0}
        title="Takes finished files off this list. The images stay below."
        onClick={() => onClear(new Set(settled.map(({ upload }) => upload.id)))}
      >
        Clear list
      </button>
    </footer>
  );
}

/** `37 files, 84.2 MB to 21.9 MB, saved 62.3 MB (74 %)`; bytes are those of finished files only. */
export function totalsSentence(files: readonly TabFile[]): string {
  const variants = files.flatMap(({ image }) =>
    image?.variant ? [{ before: image.original.bytes, after: image.variant.bytes }] : [],
  );
  const failed = files.filter((file) => isSettled(file) && !file.image?.variant).length;
  const before = variants.reduce((sum, file) => sum + file.before, 0);
  const after = variants.reduce((sum, file) => sum + file.after, 0);

  const waiting = files.length - variants.length - failed;
  const count = plural(files.length, "file");
  const parts = [waiting > 0 ? `${variants.length + failed} of ${count}` : count];
  if (variants.length > 0) {
    const share = formatPercent(savedShare(before, after));
    parts.push(
      `${formatBytes(before)} to ${formatBytes(after)}`,
      `saved ${formatBytes(Math.max(0, before - after))} (${share})`,
    );
  }
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(", ");
}
