import { formatName } from "@/format";
import { EFFORTS, type Effort, type Offer, type Options } from "../options";
import { GoalFields } from "./GoalFields";
import { MetadataFields } from "./MetadataFields";
import "./OptionsPanel.css";
import { Select } from "./Select";
import { SizeFields } from "./SizeFields";

interface Props {
  options: Options;
  offer: Offer;
  onChange: (options: Options) => void;
}

/** Everything that can be asked of the next files. Native controls: keys and screen readers know them. */
export function OptionsPanel({ options, offer, onChange }: Props) {
  const change = (changed: Partial<Options>) => onChange({ ...options, ...changed });
  return (
    <div className="options-panel">
      <GoalFields options={options} onChange={change} />
      <div className="options-column">
        <Select
          label="Format"
          hint={formatHint(options.format)}
          value={options.format}
          onChange={(format) => change({ format })}
        >
          <option value="keep">Same as the original</option>
          <option value="auto">Whichever is smallest</option>
          {offer.formats.map((name) => (
            <option key={name} value={name}>
              {formatName(name)}
            </option>
          ))}
        </Select>
        <Select
          label="Effort"
          hint={EFFORT_HINTS[options.effort]}
          value={options.effort}
          onChange={(effort) => change({ effort: effort as Effort })}
        >
          {EFFORTS.map((effort) => (
            <option key={effort} value={effort}>
              {effort.charAt(0).toUpperCase() + effort.slice(1)}
            </option>
          ))}
        </Select>
      </div>
      <MetadataFields options={options} onChange={change} />
      <SizeFields options={options} onChange={change} />
      <label className="choice options-note">
        <input
          type="checkbox"
          checked={options.salvage}
          onChange={({ currentTarget }) => change({ salvage: currentTarget.checked })}
        />
        Save what is left of damaged JPEG files
      </label>
      <p className="muted options-note">
        For the files that you add from now on; this browser remembers it.
      </p>
    </div>
  );
}

const EFFORT_HINTS: Readonly<Record<Effort, string>> = {
  fast: "Quick settings; photos as JPEG or WebP in one try, predicted and not measured.",
  balanced: "The setting is searched for, and the result measured.",
  max: "The encoders' slow settings, measured on the whole image.",
};

function formatHint(format: string): string {
  if (format === "keep") return "What browsers do not show becomes PNG, JPEG or WebP.";
  if (format === "auto") return "The smallest that keeps the quality; the receipt says why.";
  return format === "jpeg"
    ? "Images with transparency are refused: JPEG has none."
    : "Whatever the original is.";
}
