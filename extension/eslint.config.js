import js from "@eslint/js";
import globals from "globals";

const MARKUP = "Text of others must never be read as HTML: use textContent, or el() of src/pages/dom.js.";

export default [
  { ignores: ["dist/", "node_modules/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "off",
      "no-control-regex": "off",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["src/**/*.js"],
    languageOptions: { globals: { ...globals.browser, messenger: "readonly" } },
    rules: {
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTML", "setHTMLUnsafe", "parseHTMLUnsafe"].map(
          (property) => ({
            property,
            message: MARKUP,
          }),
        ),
        { object: "document", property: "write", message: MARKUP },
        { object: "document", property: "writeln", message: MARKUP },
      ],
      "no-restricted-globals": ["error", "DOMParser", "fetch", "XMLHttpRequest", "WebSocket", "EventSource"],
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.property.name=/^(createContextualFragment|insertAdjacentHTML)$/]",
          message: MARKUP,
        },
        { selector: "AssignmentExpression[left.property.name=/^(inner|outer)HTML$/]", message: MARKUP },
        { selector: "AssignmentExpression[left.property.name='srcdoc']", message: MARKUP },
      ],
    },
  },
  {
    files: ["dev/**/*.js", "test/**/*.js", "*.js"],
    languageOptions: { globals: { ...globals.node, ...globals.browser, messenger: "readonly" } },
  },
];
