import { useCallback, useState } from "react";

/** A ref for a grid with equal columns, and the width of one of them in pixels (0 before it is measured). */
export function useColumnWidth(): [(grid: HTMLElement | null) => (() => void) | undefined, number] {
  const [width, setWidth] = useState(0);
  const ref = useCallback((grid: HTMLElement | null) => {
    if (grid === null) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(Number.parseFloat(getComputedStyle(grid).gridTemplateColumns) || grid.clientWidth);
    });
    observer.observe(grid);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
