import { ApiError } from "@/api/errors";
import "./ErrorNote.css";

/** What failed, why, and a button to try again. */
export function ErrorNote({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const known = error instanceof ApiError;
  return (
    <div className="error-note" role="alert">
      <p>
        <strong>{known ? error.title : "Something went wrong in this page"}</strong>{" "}
        {known ? error.detail : "Reload it; if it stays, report what you did."}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
