import { lazy, Suspense, useState } from "react";
import { describeOptions } from "../describe";
import { defaultOptions, type Offer, type Options } from "../options";
import "./OptionsDisclosure.css";

// Not needed to compress: the first screen does without it.
const OptionsPanel = lazy(async () => {
  const { OptionsPanel } = await import("./OptionsPanel");
  return { default: OptionsPanel };
});

interface Props {
  options: Options;
  offer: Offer;
  onChange: (options: Options) => void;
}

/** Closed until asked for; what was set stays in sight, because it outlives the page. */
export function OptionsDisclosure({ options, offer, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const parts = describeOptions(options);
  return (
    <div className="options">
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          Options
          {parts.length > 0 && <span className="options-set">: {parts.join(", ")}</span>}
        </summary>
        {open && (
          <Suspense fallback={<p className="muted">Loading</p>}>
            <OptionsPanel options={options} offer={offer} onChange={onChange} />
          </Suspense>
        )}
      </details>
      {parts.length > 0 && (
        <button
          type="button"
          className="button button-quiet"
          onClick={() => onChange({ ...defaultOptions(offer), preset: options.preset })}
        >
          Reset options
        </button>
      )}
    </div>
  );
}
