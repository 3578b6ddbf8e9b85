import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { info } from "@test/fixtures";
import { queryOf } from "../options";
import { useOptions } from "../useOptions";
import { OptionsDisclosure } from "./OptionsDisclosure";

function Form() {
  const [options, offer, change] = useOptions(info);
  return (
    <>
      <OptionsDisclosure options={options} offer={offer} onChange={change} />
      <output data-testid="query">{queryOf(options)}</output>
    </>
  );
}

async function open() {
  const view = render(<Form />);
  const user = userEvent.setup();
  await user.click(screen.getByText("Options"));
  await screen.findByLabelText("Format");
  return { user, view };
}

const query = () => screen.getByTestId("query").textContent;

it("is closed at first and asks for nothing", () => {
  render(<Form />);
  expect(screen.queryByLabelText("Format")).not.toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Reset options" })).not.toBeInTheDocument();
  expect(query()).toBe("preset=balanced");
});

it("is worked by labels alone, remembers, and is reset", async () => {
  const { user, view } = await open();
  await user.selectOptions(screen.getByLabelText("Format"), "Whichever is smallest");
  await user.selectOptions(screen.getByLabelText("Effort"), "Max");
  view.unmount();

  render(<Form />);
  expect(query()).toBe("preset=balanced&format=auto&effort=max");
  expect(screen.getByText(/smallest format, max effort/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Reset options" }));
  expect(query()).toBe("preset=balanced");
});

it("decides on metadata kind by kind, and takes a decision back", async () => {
  const { user, view } = await open();
  await user.click(screen.getByText("Kind by kind"));
  await user.selectOptions(screen.getByLabelText("Places"), "Keep");
  await user.selectOptions(screen.getByLabelText("Copyright and author"), "Drop");
  await user.selectOptions(screen.getByLabelText("Colours"), "Convert to sRGB");
  expect(query()).toBe("preset=balanced&keep=gps&drop=copyright&color_space=srgb");
  await user.selectOptions(screen.getByLabelText("Copyright and author"), "As above");
  view.unmount();

  render(<Form />);
  expect(query()).toBe("preset=balanced&keep=gps&color_space=srgb");
});

it("offers the formats that the server writes", async () => {
  await open();
  const names = Array.from(screen.getByLabelText<HTMLSelectElement>("Format").options);
  expect(names.map(({ text }) => text)).toEqual([
    "Same as the original",
    "Whichever is smallest",
    "PNG",
  ]);
});

it("says what is missing where it is missing", async () => {
  const { user } = await open();
  await user.click(screen.getByRole("radio", { name: "A limit of bytes" }));
  const limit = screen.getByLabelText("At most");
  expect(limit).toBeInvalid();
  expect(limit).toHaveAccessibleDescription(/Type a number of bytes/);
  await user.type(limit, "200");
  expect(limit).toBeValid();

  await user.selectOptions(screen.getByLabelText("Resize"), "Fit");
  expect(screen.getByLabelText("Width")).toHaveAccessibleDescription(/Type a width and a height/);
  await user.type(screen.getByLabelText("Width"), "800");
  await user.type(screen.getByLabelText("Height"), "600");
  await user.click(screen.getByLabelText("Enlarge what is smaller"));
  expect(screen.getByText(/at most 200 kB, fit 800 × 600/)).toBeVisible();
});
