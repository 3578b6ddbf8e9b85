import { useEffect, useRef, type ReactNode } from "react";
import "./Dialog.css";
import { CloseIcon } from "./icons";

interface Props {
  title: string;
  children: ReactNode;
  /** Called once the dialog has closed and the focus is back where it was. */
  onClose: () => void;
}

/** A native modal dialog, open for as long as it is mounted. The browser gives Esc, the focus trap and the way back. */
export function Dialog({ title, children, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Closing, not just removing, is what gives the focus back.
    return () => element?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="dialog-title"
      closedby="any"
      onClose={() => {
        // The event is late: an effect that ran twice may have opened the dialog again.
        if (dialog.current?.open !== true) onClose();
      }}
    >
      <header className="dialog-head">
        <h2 id="dialog-title">
          <bdi>{title}</bdi>
        </h2>
        <button
          type="button"
          className="button button-quiet"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <CloseIcon />
        </button>
      </header>
      {children}
    </dialog>
  );
}
