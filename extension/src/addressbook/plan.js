/**
 * What to change in one contact, decided without doing it: from the vCard as it is, what it should show, and what we
 * remember having written there.
 */

import { fromLink, sipUri } from "../address.js";
import { badge, isBadge } from "./badge.js";
import { isStatusText, statusText } from "./status-text.js";
import * as vcard from "./vcard.js";

/** @import { Presence } from "../protocol.js" */

/**
 * @typedef {object} Memory what we wrote into a contact
 * @property {string[]} texts status texts, latest last; a few, because a contact that was being edited meanwhile
 *   can bring an older one back
 * @property {string[]} impp addresses whose IMPP entry is ours
 */

/**
 * @typedef {object} Wish
 * @property {{status: Presence, word: string, note?: string} | null} shown
 * @property {string[]} link addresses that get an IMPP entry
 * @property {string[]} unlink addresses whose IMPP entry goes, if we wrote it
 */

/** How many written texts are remembered for a contact. */
const REMEMBERED = 5;

/** @type {Memory} */
export const NOTHING = { texts: [], impp: [] };

/**
 * @param {string} vCard
 * @param {Wish} wish
 * @param {Memory} memory
 * @returns {{vCard: string | null, memory: Memory}} `vCard` is null when nothing is to be written
 */
export function plan(vCard, wish, memory) {
  const before = vcard.parse(vCard);
  const { lines: named, texts } = nickname(before, wish, memory);
  const { lines: linked, impp } = links(photo(named, wish), wish, memory);
  const text = vcard.print(linked);
  return { vCard: text === vcard.print(before) ? null : text, memory: { texts, impp } };
}

/**
 * The status goes where no nickname is, or one of ours; the user's own nickname is never touched.
 * @param {vcard.Line[]} lines
 * @param {Wish} wish
 * @param {Memory} memory
 */
function nickname(lines, { shown }, memory) {
  const current = vcard.texts(lines, "NICKNAME");
  const ours = current.every(
    (text) => text === "" || memory.texts.includes(text) || (isStatusText(text) && memory.texts.length === 0),
  );
  if (!ours) {
    return { lines, texts: [] };
  }
  const text = shown ? statusText(shown.status, shown.word, shown.note) : "";
  if (!text) {
    return { lines: current.join("") ? lines.filter(({ name }) => name !== "NICKNAME") : lines, texts: [] };
  }
  const texts = [...memory.texts.filter((known) => known !== text), text].slice(-REMEMBERED);
  if (current.length === 1 && current[0] === text) {
    return { lines, texts };
  }
  const rest = lines.filter(({ name }) => name !== "NICKNAME");
  return { lines: vcard.add(rest, vcard.line("NICKNAME", vcard.escape(text))), texts };
}

/**
 * A badge stands only where no photo of the user's is.
 * @param {vcard.Line[]} lines
 * @param {Wish} wish
 */
function photo(lines, { shown }) {
  const photos = lines.filter(({ name }) => name === "PHOTO");
  const badges = photos.filter(({ value }) => isBadge(vcard.unescape(value)));
  const name = vcard.texts(lines, "FN")[0] ?? "";
  const wanted = shown && photos.length === badges.length ? badge(shown.status, name) : null;
  if (wanted ? badges.length === 1 && vcard.unescape(badges[0]?.value ?? "") === wanted : badges.length === 0) {
    return lines;
  }
  const rest = lines.filter((line) => !badges.includes(line));
  return wanted ? vcard.add(rest, vcard.line("PHOTO", wanted, ";VALUE=URI")) : rest;
}

/**
 * @param {vcard.Line[]} lines
 * @param {Wish} wish
 * @param {Memory} memory
 */
function links(lines, { link, unlink }, memory) {
  /** @param {vcard.Line} candidate */
  const addressOf = ({ name, value }) =>
    name === "IMPP" && /^(sips?|im):/i.test(value) ? fromLink(vcard.unescape(value)) : null;
  const gone = memory.impp.filter((address) => unlink.includes(address));
  const kept = lines.filter(
    (candidate) => !gone.some((address) => candidate.value === sipUri(address) && addressOf(candidate)),
  );
  const missing = link.filter((address) => !kept.some((candidate) => addressOf(candidate) === address));
  return {
    lines: vcard.add(kept, ...missing.map((address) => vcard.line("IMPP", sipUri(address)))),
    impp: [...memory.impp.filter((address) => !gone.includes(address)), ...missing],
  };
}
