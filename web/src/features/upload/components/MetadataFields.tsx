import { decide, KIND_NAMES, KINDS, VERDICTS, type Verdict } from "../metadata";
import { COLORS, POLICIES, type Colors, type MetadataPolicy, type Options } from "../options";
import { Select } from "./Select";

interface Props {
  options: Options;
  onChange: (changed: Partial<Options>) => void;
}

/** What stays beside the pixels: by a policy, and kind by kind where it is to be otherwise. */
export function MetadataFields({ options, onChange }: Props) {
  const { exceptions } = options;
  return (
    <fieldset className="options-column">
      <legend>Beside the pixels</legend>
      <Select
        label="Metadata"
        hint={POLICY_HINTS[options.metadata]}
        value={options.metadata}
        onChange={(metadata) => onChange({ metadata: metadata as MetadataPolicy })}
      >
        {POLICIES.map((policy) => (
          <option key={policy} value={policy}>
            {POLICY_NAMES[policy]}
          </option>
        ))}
      </Select>
      <details className="kinds" open={Object.keys(exceptions).length > 0}>
        <summary>Kind by kind</summary>
        {KIND_NAMES.map((kind) => (
          <label key={kind} className="kind">
            {KINDS[kind]}
            <select
              value={exceptions[kind] ?? "policy"}
              onChange={({ currentTarget }) =>
                onChange({
                  exceptions: decide(exceptions, kind, currentTarget.value as Verdict),
                })
              }
            >
              {VERDICTS.map((verdict) => (
                <option key={verdict} value={verdict}>
                  {VERDICT_NAMES[verdict]}
                </option>
              ))}
            </select>
          </label>
        ))}
      </details>
      <Select
        label="Colours"
        hint={COLOR_HINTS[options.colors]}
        value={options.colors}
        onChange={(colors) => onChange({ colors: colors as Colors })}
      >
        {COLORS.map((colors) => (
          <option key={colors} value={colors}>
            {COLOR_NAMES[colors]}
          </option>
        ))}
      </Select>
    </fieldset>
  );
}

const POLICY_NAMES: Readonly<Record<MetadataPolicy, string>> = {
  web: "For the web",
  archive: "Keep everything",
  private: "Keep nothing",
};

const POLICY_HINTS: Readonly<Record<MetadataPolicy, string>> = {
  web: "Colours and copyright stay; places, dates and devices go.",
  archive: "What a smaller file could not carry stays in the original.",
  private: "Colours stay; all else goes, copyright too.",
};

const VERDICT_NAMES: Readonly<Record<Verdict, string>> = {
  policy: "As above",
  keep: "Keep",
  drop: "Drop",
};

const COLOR_NAMES: Readonly<Record<Colors, string>> = {
  keep: "As they are",
  srgb: "Convert to sRGB",
};

const COLOR_HINTS: Readonly<Record<Colors, string>> = {
  keep: "Wide colours stay wide: the profile goes along.",
  srgb: "The same on every screen; colours beyond sRGB are lost.",
};
