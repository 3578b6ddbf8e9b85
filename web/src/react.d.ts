import "react";

declare module "react" {
  // Custom properties are set through the style prop, so through the CSSOM, which a strict CSP allows.
  interface CSSProperties {
    [property: `--${string}`]: string | number | undefined;
  }
}
