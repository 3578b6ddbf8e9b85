import { lazy, Suspense, useState } from "react";
import { forgetKey } from "@/api/key";
import { KeyIcon, ThemeIcon } from "@/components/icons";
import { Logo } from "@/components/Logo";
import { useKey } from "@/features/auth/useKey";
import "./Header.css";
import { keepTheme, storedTheme, THEMES } from "./theme";

// Not needed to compress: the first screen does without it.
const NotifySwitch = lazy(async () => {
  const { NotifySwitch } = await import("@/features/notify/components/NotifySwitch");
  return { default: NotifySwitch };
});

/** `ready`: the server answers this browser, so everything may be asked. */
export function Header({ ready }: { ready: boolean }) {
  const { key } = useKey();
  return (
    <header className="header">
      <h1 className="brand">
        <Logo size={40} />
        <span>
          Demitasse
          <small>small files, full flavour</small>
        </span>
      </h1>
      <div className="header-tools">
        {ready && (
          <Suspense>
            <NotifySwitch />
          </Suspense>
        )}
        {key !== null && (
          <button type="button" className="button button-quiet" onClick={forgetKey}>
            <KeyIcon /> Forget key
          </button>
        )}
        <ThemeButton />
      </div>
    </header>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(storedTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
  return (
    <button
      type="button"
      className="button button-quiet"
      aria-label={`Theme: ${theme}. Change to ${next}`}
      onClick={() => {
        keepTheme(next);
        setTheme(next);
      }}
    >
      <ThemeIcon /> <span className="theme-name">{theme}</span>
    </button>
  );
}
