import { useId } from "react";
import { bytesProblem, UNITS, type Options } from "../options";

interface Props {
  options: Options;
  onChange: (changed: Partial<Options>) => void;
}

/** What must be held: the quality chosen on the page, a score, or a number of bytes. */
export function GoalFields({ options, onChange }: Props) {
  return (
    <fieldset className="options-column">
      <legend>Goal</legend>
      <Goal name="preset" label="The quality chosen above" options={options} onChange={onChange} />
      <Goal name="score" label="A score" options={options} onChange={onChange} />
      {options.goal === "score" && <ScoreField options={options} onChange={onChange} />}
      <Goal name="bytes" label="A limit of bytes" options={options} onChange={onChange} />
      {options.goal === "bytes" && <BytesField options={options} onChange={onChange} />}
    </fieldset>
  );
}

function Goal({
  name,
  label,
  options,
  onChange,
}: Props & { name: Options["goal"]; label: string }) {
  return (
    <label className="choice">
      <input
        type="radio"
        name="goal"
        value={name}
        checked={options.goal === name}
        onChange={() => onChange({ goal: name })}
      />
      {label}
    </label>
  );
}

function ScoreField({ options: { score }, onChange }: Props) {
  const id = useId();
  return (
    <div className="field field-inner">
      <label htmlFor={id}>At least {score} of 100</label>
      <input
        id={id}
        type="range"
        min={30}
        max={100}
        value={score}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => onChange({ score: currentTarget.valueAsNumber })}
      />
      <p id={`${id}-hint`} className="muted">
        SSIMULACRA2: 50 is medium, 70 high; from 90 on no difference is seen.
      </p>
    </div>
  );
}

function BytesField({ options, onChange }: Props) {
  const id = useId();
  const problem = bytesProblem(options);
  return (
    <div className="field field-inner">
      <label htmlFor={id}>At most</label>
      <div className="field-row">
        <input
          id={id}
          inputMode="decimal"
          size={8}
          value={options.maxBytes}
          placeholder="200"
          aria-invalid={problem !== null}
          aria-describedby={`${id}-hint`}
          onChange={({ currentTarget }) => onChange({ maxBytes: currentTarget.value })}
        />
        <select
          aria-label="Unit"
          value={options.unit}
          onChange={({ currentTarget }) =>
            onChange({ unit: UNITS.find((unit) => unit === currentTarget.value) ?? "kB" })
          }
        >
          {UNITS.map((unit) => (
            <option key={unit}>{unit}</option>
          ))}
        </select>
      </div>
      <p id={`${id}-hint`} className="muted" role="status">
        {problem ?? "The best that fits."}
      </p>
      <label htmlFor={`${id}-floor`}>But no less than a score of {options.floor}</label>
      <input
        id={`${id}-floor`}
        type="range"
        min={10}
        max={90}
        value={options.floor}
        aria-describedby={`${id}-floor-hint`}
        onChange={({ currentTarget }) => onChange({ floor: currentTarget.valueAsNumber })}
      />
      <p id={`${id}-floor-hint`} className="muted">
        Where that takes more bytes, the result says so.
      </p>
    </div>
  );
}
