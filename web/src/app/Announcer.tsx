import { useEffect, useRef, useState } from "react";
import { displayName, formatPercent, savedShare } from "@/format";
import { fileRow, isSettled, type TabFile } from "./useFiles";

/** How long results are gathered before they are read out: twenty files that finish together are one message. */
const GATHER_MS = 1000;
const MOST_NAMES = 3;

/** Tells a screen reader which files have finished. */
export function Announcer({ files }: { files: TabFile[] }) {
  const [message, setMessage] = useState("");
  const seen = useRef(new Map<string, "running" | "told">());
  const gathered = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(() => {
    for (const file of files) {
      const { id } = file.upload;
      if (isNews(file, seen.current.get(id))) gathered.current.push(sentence(file));
      if (isSettled(file)) seen.current.set(id, "told");
      else if (file.image || file.upload.state.kind !== "sent") seen.current.set(id, "running");
    }
    if (gathered.current.length === 0) return;
    timer.current ??= setTimeout(() => {
      const news = gathered.current;
      gathered.current = [];
      timer.current = undefined;
      setMessage(news.length > MOST_NAMES ? `${news.length} files finished` : news.join(". "));
    }, GATHER_MS);
  }, [files]);

  return (
    <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
      {message}
    </div>
  );
}

/** What was already finished when this page first heard of it is not news, unless it never began. */
function isNews(file: TabFile, before: "running" | "told" | undefined): boolean {
  if (!isSettled(file)) return false;
  return before === "running" || (before === undefined && file.upload.state.kind === "failed");
}

function sentence({ upload, image, error }: TabFile): string {
  const name = displayName(upload.name);
  const { state, bytesIn, bytesOut } = fileRow(upload, image, error);
  if (state.kind === "failed") return `${name} failed: ${state.title}`;
  if (state.kind === "kept") return `${name}: kept original, ${state.reason}`;
  return `${name} done, ${formatPercent(savedShare(bytesIn, bytesOut ?? bytesIn))} smaller`;
}
