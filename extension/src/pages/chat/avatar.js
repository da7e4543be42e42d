/**
 * A person's letter with the dot of their presence, as lists and headings show it.
 */

import { t } from "../../i18n.js";
import { STATUS_WORDS } from "../../presence.js";
import { oneLine } from "../../text.js";
import { el } from "../dom.js";

/** @import { Presence } from "../../protocol.js" */

/** The longest note the host takes, in characters (PROTOCOL.md, `presence/set`). */
const NOTE = 200;

/**
 * @param {string} name
 * @param {Presence} status
 */
export function avatar(name, status) {
  const letter = [...name.normalize().replace(/[^\p{Letter}\p{Nd}]+/gu, "")][0] ?? "";
  return el("span", { class: "avatar", "aria-hidden": "true" }, letter.toUpperCase(), dot(status));
}

/** @param {Presence} status */
export function dot(status) {
  return el("span", { class: "dot", "data-status": status, "aria-hidden": "true" });
}

/**
 * @param {Presence} status
 * @param {string} [note]
 * @returns {string} such as "Away – back at three"
 */
export function presenceWords(status, note = "") {
  const words = oneLine(note, NOTE);
  return words ? t("presenceWithNote", t(STATUS_WORDS[status]), words) : t(STATUS_WORDS[status]);
}
