import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const features = ["auth", "images", "notify", "upload"];

/** Forbids imports that match `group`, and says which rule of the layout they break. */
const forbid = (group, message) => ({
  "no-restricted-imports": ["error", { patterns: [{ group, message }] }],
});

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.d.ts", "test-results", "playwright-report"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  reactHooks.configs.flat.recommended,
  jsxA11y.flatConfigs.strict,
  {
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-lines": ["error", { max: 150, skipBlankLines: false, skipComments: false }],
      "max-lines-per-function": ["error", { max: 60 }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    // Shared code knows nothing of the features or of the screens that use it.
    files: ["src/api/**", "src/components/**", "src/format.ts"],
    rules: forbid(
      ["**/features/**", "**/app/**"],
      "shared code never imports a feature or the app",
    ),
  },
  ...features.map((feature) => ({
    files: [`src/features/${feature}/**`],
    rules: forbid(
      ["@/app/**", "@/features/**", "../../*"],
      "a feature imports its own files and shared code only; the app composes features",
    ),
  })),
  {
    files: ["**/*.test.{ts,tsx}", "e2e/**", "test/**"],
    rules: {
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": "off",
    },
  },
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
);
