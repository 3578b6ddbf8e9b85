import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Frames } from "./Frames";

function show(more: Partial<Parameters<typeof Frames>[0]["animation"]>) {
  const animation = { frames: 12, duration_ms: 840, plays: 0, compared_frames: 12, ...more };
  render(
    <dl>
      <Frames animation={animation} />
    </dl>,
  );
  return screen.getAllByRole("definition").map((fact) => fact.textContent);
}

it("says how many frames there are, for how long, and that they go on for ever", () => {
  expect(show({})).toEqual(["12 in 0.8 s, played for ever, all compared"]);
});

it("names the frame that is the least like its original, counted from one", () => {
  const facts = show({ plays: 3, lowest: { frame: 4, score: 71.26 } });
  expect(facts).toEqual(["12 in 0.8 s, played 3 times, all compared", "71.3 of 100, frame 5"]);
});

it("does not say that frames were compared where their coding was kept", () => {
  expect(show({ plays: 1, compared_frames: 0 })).toEqual(["12 in 0.8 s, played once"]);
});
