/**
 * `web-ext lint` for an add-on of Thunderbird: the linter knows Firefox only, so what it says of Thunderbird's own
 * permissions and keys is expected. Anything else it says fails.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { packedFiles } from "./build.js";

/** @typedef {{code: string, message: string, description?: string, file?: string, line?: number}} Finding */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Permissions that Thunderbird has and Firefox has not, and a key that addons.mozilla.org asks for and Thunderbird
 * does not.
 */
const THUNDERBIRD = [
  /^\/permissions: Invalid permissions "(accountsRead|addressBooks|messages(Delete|Read|Update))" at \d/,
  /data_collection_permissions/,
];

/**
 * @param {Finding} finding
 * @returns {boolean}
 */
function expected({ message, description = "" }) {
  return THUNDERBIRD.some((pattern) => pattern.test(message) || pattern.test(description));
}

const folder = mkdtempSync(path.join(tmpdir(), "corella-lint-"));
try {
  for (const name of packedFiles()) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    copyFileSync(path.join(ROOT, name), path.join(folder, name));
  }
  const program = path.join(ROOT, "node_modules", "web-ext", "bin", "web-ext.js");
  const options = ["lint", "--source-dir", folder, "--output", "json", "--no-config-discovery", "--self-hosted"];
  let output;
  try {
    output = execFileSync(process.execPath, [program, ...options], {
      encoding: "utf8",
      env: { ...process.env, CI: "1" },
    });
  } catch (error) {
    output = String(/** @type {{stdout?: string}} */ (error).stdout ?? error);
  }
  const { errors, warnings, notices } = JSON.parse(output.slice(output.indexOf("{")));
  const findings = /** @type {Finding[]} */ ([...errors, ...warnings, ...notices]);
  const unexpected = findings.filter((finding) => !expected(finding));
  for (const { code, message, description, file, line } of unexpected) {
    console.error(`${file ?? "manifest.json"}:${line ?? 0} ${code}: ${message} ${description ?? ""}`);
  }
  console.log(
    `web-ext lint: ${unexpected.length} findings; ${findings.length - unexpected.length} more on what only Thunderbird has`,
  );
  process.exitCode = unexpected.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
