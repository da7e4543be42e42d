/**
 * A key's fingerprint as people compare it: groups of four digits.
 */

import { el } from "./dom.js";

/** @param {string} digits in hex */
export function fingerprint(digits) {
  const grouped = digits.replace(/(.{4})(?=.)/g, "$1 ");
  return el("code", { class: "fingerprint", dir: "ltr", "data-fingerprint": digits }, grouped);
}
