import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { CompareSlider } from "./CompareSlider";

function show() {
  render(
    <CompareSlider beforeUrl="/before" afterUrl="/after" name="cup.png" width={4} height={3} />,
  );
  return screen.getByRole("slider", { name: "Compare original and compressed" });
}

it("moves by the keys of a slider", async () => {
  const slider = show();
  const user = userEvent.setup();
  await user.tab();
  expect(slider).toHaveFocus();
  const positions: (string | null)[] = [];
  for (const key of [
    "ArrowRight",
    "ArrowLeft",
    "PageUp",
    "PageDown",
    "ArrowUp",
    "ArrowDown",
    "Home",
    "End",
  ]) {
    await user.keyboard(`{${key}}`);
    positions.push(slider.getAttribute("aria-valuenow"));
  }
  expect(positions).toEqual(["52", "50", "60", "50", "52", "50", "0", "100"]);
});

it("stays within its ends and says what is shown", async () => {
  const slider = show();
  const user = userEvent.setup();
  await user.tab();
  await user.keyboard("{Home}{ArrowLeft}");
  expect(slider).toHaveAttribute("aria-valuetext", "0 % original, 100 % compressed");
});

it("says what to do when the browser cannot show the format", () => {
  show();
  fireEvent.error(screen.getByAltText("cup.png, original"));
  expect(screen.getByText(/cannot show this format/)).toBeVisible();
});
