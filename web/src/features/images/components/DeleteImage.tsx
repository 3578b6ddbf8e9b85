import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Image } from "@/api/types";
import { ErrorNote } from "@/components/ErrorNote";
import { displayName } from "@/format";
import { deleteImageMutation } from "../api/images";
import "./DeleteImage.css";

interface Props {
  image: Image;
  onDeleted: (imageId: string) => void;
}

/** Deletes the image, after asking once more. The focus goes along: to the answer that changes nothing, and back. */
export function DeleteImage({ image, onDeleted }: Props) {
  const [step, setStep] = useState<"closed" | "asking" | "kept">("closed");
  const deletion = useMutation({
    ...deleteImageMutation,
    onSuccess: () => onDeleted(image.id),
  });
  const remove = () => {
    if (!deletion.isPending) deletion.mutate(image.id);
  };

  if (step !== "asking") {
    return (
      <button
        type="button"
        className="button delete-open"
        ref={step === "kept" ? takeFocus : undefined}
        onClick={() => setStep("asking")}
      >
        Delete image
      </button>
    );
  }
  return (
    <div className="delete-ask" role="group" aria-labelledby="delete-question">
      <p id="delete-question">
        Delete <bdi>{displayName(image.file_name)}</bdi> and its result for good?
      </p>
      <div className="delete-answers">
        <button
          type="button"
          className="button"
          ref={takeFocus}
          aria-describedby="delete-question"
          onClick={() => setStep("kept")}
        >
          Keep
        </button>
        <button
          type="button"
          className="button button-danger"
          aria-describedby="delete-question"
          aria-disabled={deletion.isPending}
          onClick={remove}
        >
          Delete
        </button>
      </div>
      {deletion.error && <ErrorNote error={deletion.error} onRetry={remove} />}
    </div>
  );
}

function takeFocus(element: HTMLButtonElement | null): void {
  element?.focus();
}
