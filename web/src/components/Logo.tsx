/** The demitasse: a small cup with its handle and saucer, and one curl of steam. Decorative; the name stands beside it. */
export function Logo({ size }: { size: number }) {
  return (
    <svg
      className="logo"
      viewBox="0 0 48 48"
      width={size}
      height={size}
      fill="none"
      aria-hidden="true"
    >
      <path className="logo-steam" d="M19 5.5c-2.6 3 2.6 5 0 8M26 5.5c-2.6 3 2.6 5 0 8" />
      <path className="logo-handle" d="M33.5 21.5h2.2a5 5 0 0 1 0 10h-3.4" />
      <path
        className="logo-cup"
        d="M10 18h25v8.5A10.5 10.5 0 0 1 24.5 37h-4A10.5 10.5 0 0 1 10 26.5z"
      />
      <path className="logo-coffee" d="M13 21h19v2.5H13z" />
      <path className="logo-saucer" d="M6 41.5h33" />
    </svg>
  );
}
