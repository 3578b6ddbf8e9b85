import { useState } from "react";
import type { Info } from "@/api/types";
import { readOptions, type Offer, type Options } from "./options";

const STORAGE_KEY = "demitasse.options";

/** The options of the next upload, as this browser left them. */
export function useOptions(info: Info): [Options, Offer, (options: Options) => void] {
  const [offer] = useState(() => offerOf(info));
  const [options, setOptions] = useState(() => readOptions(stored(), offer));
  const change = (changed: Options) => {
    setOptions(changed);
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(changed));
    } catch {
      // Without storage the options last as long as the page.
    }
  };
  return [options, offer, change];
}

function offerOf({ presets, default_preset, formats }: Info): Offer {
  return {
    presets: presets.map(({ name }) => name),
    defaultPreset: default_preset,
    formats: formats.flatMap(({ name, encodes }) => (encodes ? [name] : [])),
  };
}

function stored(): unknown {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "null");
  } catch {
    return null;
  }
}
