import type { Connection as State } from "@/features/images/api/live";
import "./Connection.css";

/** Says so when what is shown may be out of date; otherwise takes no room. */
export function Connection({ state }: { state: State }) {
  return (
    <div role="status" className="connection">
      {state === "lost" && (
        <p>
          <strong>Connection lost.</strong> Trying again by itself; files on the server go on.
        </p>
      )}
    </div>
  );
}
