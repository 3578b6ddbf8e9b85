import { useState } from "react";
import "./CompareSlider.css";
import { useSlider } from "./useSlider";

interface Props {
  beforeUrl: string;
  afterUrl: string;
  name: string;
  width: number;
  height: number;
}

/** The original on the left of a bar and the result on the right of it; the bar moves by pointer, touch or keys. */
export function CompareSlider({ beforeUrl, afterUrl, name, width, height }: Props) {
  const { frame, handle, position, frameEvents, onKeyDown } = useSlider();
  const [broken, setBroken] = useState(false);

  if (broken) {
    return (
      <p className="compare-unshown">
        This browser cannot show this format. Both files are linked here and open in a program that
        can.
      </p>
    );
  }

  const onError = () => setBroken(true);
  const shown = Math.round(position);
  return (
    <div
      ref={frame}
      className="compare checkerboard"
      style={{
        "--position": `${position}%`,
        "--shape": `${width} / ${height}`,
        "--ratio": width / height,
      }}
      {...frameEvents}
    >
      <img src={afterUrl} alt={`${name}, compressed`} draggable={false} onError={onError} />
      <div className="compare-before checkerboard">
        <img src={beforeUrl} alt={`${name}, original`} draggable={false} onError={onError} />
      </div>
      <Label side="before">Original</Label>
      <Label side="after">Compressed</Label>
      <div
        ref={handle}
        className="compare-handle"
        role="slider"
        tabIndex={0}
        aria-label="Compare original and compressed"
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={shown}
        aria-valuetext={`${shown} % original, ${100 - shown} % compressed`}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

function Label({ side, children }: { side: "before" | "after"; children: string }) {
  return (
    <span className={`compare-label compare-label-${side}`} aria-hidden="true">
      {children}
    </span>
  );
}
