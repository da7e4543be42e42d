/** The add-on's own files, for tests that read them. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param {string} folder below `extension/`
 * @param {string} extension
 * @returns {{name: string, text: string}[]}
 */
export function sources(folder, extension) {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(extension))
    .map((name) => ({ name: path.join(folder, name), text: readFileSync(path.join(ROOT, folder, name), "utf8") }));
}

/** @param {string} name below `extension/` */
export function readJson(name) {
  return JSON.parse(readFileSync(path.join(ROOT, name), "utf8"));
}
