/**
 * A key's fingerprint as people compare it: groups of four digits.
 */

import { grouped } from "../key-code.js";
import { el } from "./dom.js";

/** @param {string} digits in hex */
export function fingerprint(digits) {
  return el("code", { class: "fingerprint", dir: "ltr", "data-fingerprint": digits }, grouped(digits));
}
