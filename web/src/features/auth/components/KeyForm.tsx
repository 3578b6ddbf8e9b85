import { useMutation } from "@tanstack/react-query";
import { useState, type SyntheticEvent } from "react";
import { ApiError } from "@/api/errors";
import { checkKeyMutation } from "../api/checkKey";
import "./KeyForm.css";

/** Asks for the server's API key, once. `refused`: a key that was taken before no longer is. */
export function KeyForm({ refused }: { refused: boolean }) {
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const check = useMutation(checkKeyMutation);
  const problem = describe(check.data, check.error, refused);

  const onSubmit = (event: SyntheticEvent) => {
    event.preventDefault();
    check.mutate({ key: key.trim(), remember });
  };

  return (
    <form className="key-form" onSubmit={onSubmit} aria-labelledby="key-title">
      <h2 id="key-title">This server asks for a key</h2>
      <p className="muted" id="key-hint">
        Whoever runs it has the API key. It stays in this browser and is sent to this server only.
      </p>
      <label htmlFor="key">API key</label>
      <input
        id="key"
        type="password"
        autoComplete="current-password"
        spellCheck={false}
        required
        value={key}
        aria-describedby="key-hint key-problem"
        aria-invalid={problem !== null}
        onChange={({ currentTarget }) => setKey(currentTarget.value)}
      />
      <p id="key-problem" className="key-problem" role="alert">
        {problem}
      </p>
      <label className="key-remember">
        <input
          type="checkbox"
          checked={remember}
          onChange={({ currentTarget }) => setRemember(currentTarget.checked)}
        />
        Remember it in this browser
      </label>
      <button type="submit" className="button button-main" disabled={check.isPending}>
        {check.isPending ? "Checking…" : "Use this key"}
      </button>
    </form>
  );
}

function describe(
  accepted: boolean | undefined,
  error: Error | null,
  refused: boolean,
): string | null {
  if (error instanceof ApiError) return `${error.title}. ${error.detail}`;
  if (error) return "Something went wrong in this page. Reload it and try again.";
  if (accepted === false)
    return "The server does not know this key. Check it for missing characters.";
  return refused ? "The key used until now is no longer accepted. Enter the new one." : null;
}
