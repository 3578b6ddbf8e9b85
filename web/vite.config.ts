import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = "http://127.0.0.1:8080";

/** All JavaScript of the first screen, compressed: less than the page that this one replaces needed. */
const FIRST_SCREEN_BYTES = 100_000;

function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle(_, bundle) {
      const entries = Object.values(bundle).filter(
        (file) => file.type === "chunk" && !file.isDynamicEntry,
      );
      const bytes = entries.reduce((sum, file) => {
        return sum + (file.type === "chunk" ? gzipSync(file.code).length : 0);
      }, 0);
      if (bytes > FIRST_SCREEN_BYTES) {
        this.error(
          `the first screen needs ${bytes} bytes of gzipped JavaScript, more than ${FIRST_SCREEN_BYTES}`,
        );
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), budget()],
  resolve: {
    alias: {
      "@": fileURLToPath(new URL("./src", import.meta.url)),
      "@test": fileURLToPath(new URL("./test", import.meta.url)),
    },
  },
  build: {
    target: "es2022",
    // The oldest browsers that have light-dark(); it is then left as written.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Everything is a hashed file: nothing is inlined, so the CSP stays strict.
    assetsInlineLimit: 0,
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/v1": server,
      "/images": server,
      "/tasks": server,
      "/i/": server,
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    restoreMocks: true,
  },
});
