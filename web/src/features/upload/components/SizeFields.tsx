import { useId } from "react";
import { RESIZES, sizeProblem, type Options, type ResizeMethod } from "../options";
import { Select } from "./Select";

interface Props {
  options: Options;
  onChange: (changed: Partial<Options>) => void;
}

const METHODS: Readonly<Record<ResizeMethod, { label: string; hint: string }>> = {
  none: { label: "As it is", hint: "Every pixel's place stays." },
  scale: { label: "Scale", hint: "To a width or a height; the other side follows." },
  fit: { label: "Fit", hint: "Whole, inside width and height." },
  cover: { label: "Fill", hint: "Fills both; what stands over is cut off on both sides alike." },
  thumb: { label: "Thumbnail", hint: "Fills both; the cut keeps the most detail." },
};

/** Another size. */
export function SizeFields({ options, onChange }: Props) {
  const id = useId();
  const problem = sizeProblem(options);
  return (
    <fieldset className="options-column">
      <legend>Size</legend>
      <Select
        label="Resize"
        hint={METHODS[options.resize].hint}
        value={options.resize}
        onChange={(value) => onChange({ resize: RESIZES.find((name) => name === value) ?? "none" })}
      >
        {RESIZES.map((name) => (
          <option key={name} value={name}>
            {METHODS[name].label}
          </option>
        ))}
      </Select>
      {options.resize !== "none" && (
        <>
          <div className="field-row">
            <Side name="width" problem={problem} describedBy={id} {...{ options, onChange }} />
            <Side name="height" problem={problem} describedBy={id} {...{ options, onChange }} />
          </div>
          <p id={id} className="muted" role="status">
            {problem ?? "In pixels."}
          </p>
          <label className="choice">
            <input
              type="checkbox"
              checked={options.enlarge}
              onChange={({ currentTarget }) => onChange({ enlarge: currentTarget.checked })}
            />
            Enlarge what is smaller
          </label>
        </>
      )}
    </fieldset>
  );
}

interface SideProps extends Props {
  name: "width" | "height";
  problem: string | null;
  describedBy: string;
}

function Side({ name, problem, describedBy, options, onChange }: SideProps) {
  return (
    <label className="field">
      {name === "width" ? "Width" : "Height"}
      <input
        inputMode="numeric"
        size={6}
        value={options[name]}
        aria-invalid={problem !== null}
        aria-describedby={describedBy}
        onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
      />
    </label>
  );
}
