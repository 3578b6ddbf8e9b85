import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";
import { BellIcon } from "@/components/icons";
import { pushQuery, switchPushMutation } from "../api/push";
import type { PushState } from "../browser";
import "./NotifySwitch.css";

/** Switches on and off whether this browser is told when an image is ready, even with the page closed. */
export function NotifySwitch() {
  const client = useQueryClient();
  const state = useQuery(pushQuery);
  const change = useMutation(switchPushMutation(client));
  const on = state.data === "on";
  const possible = on || state.data === "off" || state.isError;
  const note = explain(state.data, change.error ?? state.error);

  return (
    <div className="notify">
      <button
        type="button"
        role="switch"
        className="button button-quiet"
        aria-checked={on}
        aria-disabled={!possible || change.isPending}
        aria-describedby={note === null ? undefined : "notify-note"}
        onClick={() => {
          if (possible && !change.isPending) change.mutate(!on);
        }}
      >
        <BellIcon /> <span className="notify-name">Notify me</span>
        <span className="notify-track" aria-hidden="true" />
      </button>
      <p id="notify-note" className="notify-note" role="status">
        {note}
      </p>
    </div>
  );
}

function explain(state: PushState | undefined, error: Error | null): string | null {
  if (error instanceof ApiError) return `${error.title}. ${error.detail}`;
  if (error) return "This browser could not reach its push service. Try again later.";
  switch (state) {
    case "denied":
      return "Notifications from this site are blocked; allow them in the browser's settings.";
    case "insecure":
      return "Notifications need https, or an address on this machine.";
    case "unsupported":
      return "This browser cannot show notifications.";
    default:
      return null;
  }
}
