import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";

const STEP = 2;
const PAGE = 10;

/** A position from 0 to 100 % of a frame's width, moved by dragging anywhere in it and by keys on its handle. */
export function useSlider() {
  const frame = useRef<HTMLDivElement>(null);
  const handle = useRef<HTMLDivElement>(null);
  const [position, setPosition] = useState(50);

  const moveTo = ({ clientX }: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (box) setPosition(clamp(((clientX - box.left) / box.width) * 100));
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.preventDefault();
    frame.current?.setPointerCapture(event.pointerId);
    handle.current?.focus({ preventScroll: true });
    moveTo(event);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (frame.current?.hasPointerCapture(event.pointerId) === true) moveTo(event);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = positionAfterKey(event.key, position);
    if (next === null) return;
    event.preventDefault();
    setPosition(next);
  };

  return { frame, handle, position, frameEvents: { onPointerDown, onPointerMove }, onKeyDown };
}

/** Where a key moves the bar, in percent from the left; null for a key that is not the slider's. */
function positionAfterKey(key: string, position: number): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return clamp(position - STEP);
    case "ArrowRight":
    case "ArrowUp":
      return clamp(position + STEP);
    case "PageDown":
      return clamp(position - PAGE);
    case "PageUp":
      return clamp(position + PAGE);
    case "Home":
      return 0;
    case "End":
      return 100;
    default:
      return null;
  }
}

function clamp(position: number): number {
  return Math.min(100, Math.max(0, position));
}
