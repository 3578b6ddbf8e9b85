import type { Info } from "@/api/types";
import "./PresetChips.css";

type Preset = Info["presets"][number];

interface Props {
  presets: Preset[];
  /** Null where the options name another goal. */
  chosen: string | null;
  onChoose: (name: string) => void;
}

/** One choice of how far to go. Native radio buttons: arrow keys and screen readers know them. */
export function PresetChips({ presets, chosen, onChoose }: Props) {
  return (
    <fieldset className="presets">
      <legend>Quality</legend>
      {presets.map((preset) => (
        <label key={preset.name} className="chip" title={explain(preset)}>
          <input
            type="radio"
            name="preset"
            value={preset.name}
            checked={preset.name === chosen}
            onChange={() => onChoose(preset.name)}
          />
          {label(preset.name)}
        </label>
      ))}
    </fieldset>
  );
}

/** `visually-lossless` as `Visually lossless`. */
function label(name: string): string {
  const words = name.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function explain({ target }: Preset): string {
  return target == null
    ? "Every pixel stays as it is"
    : `Smallest file that scores ${target} of 100 (SSIMULACRA2) against the original`;
}
