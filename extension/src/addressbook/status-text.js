/**
 * The line under a contact's name: a symbol, the status in words, and the peer's own note. An invisible word joiner
 * after the symbol tells it from anything a user would type, so that ours is known again even when nothing is
 * remembered.
 */

import { oneLine } from "../text.js";

/** @import { Presence } from "../protocol.js" */

/** @type {Record<Presence, string>} */
const SYMBOLS = { online: "●", away: "◐", busy: "⊘", offline: "○" };
const JOINER = "\u2060";
const OURS = new RegExp(`^[${Object.values(SYMBOLS).join("")}]${JOINER}`, "u");
const NOTE_LENGTH = 80;

/**
 * @param {Presence} status
 * @param {string} word the status in the user's language
 * @param {string} [note]
 */
export function statusText(status, word, note = "") {
  const words = oneLine(note, NOTE_LENGTH);
  return `${SYMBOLS[status]}${JOINER} ${word}${words ? ` – ${words}` : ""}`;
}

/** @param {string} text */
export function isStatusText(text) {
  return OURS.test(text);
}
