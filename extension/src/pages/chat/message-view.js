/**
 * One message on the page. Its text was written by somebody else: it only ever becomes text nodes.
 */

import { t } from "../../i18n.js";
import { el, icon } from "../dom.js";
import { reasonWords, stateWords, trustWords } from "../words.js";
import { linkedSegments } from "./segments.js";
import { fullTime, timeOfDay } from "./time.js";

/** @import { Message } from "../../protocol.js" */

/** A longer message shows its beginning, until the user asks for the rest. */
const LONG_TEXT = 3_000;
const LONG_LINES = 40;

/**
 * @typedef {object} Context
 * @property {string} name the other side's
 * @property {(id: string) => void} onRetry
 * @property {(url: string) => void} onLink
 */

/**
 * @param {Message} message
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function messageView(message, { name, onRetry, onLink }) {
  const { id, direction, state, at } = message;
  const out = direction === "out";
  const reason = out ? reasonWords(message, name) : "";
  const long = message.text.length > LONG_TEXT || message.text.split("\n", LONG_LINES + 1).length > LONG_LINES;
  return el(
    "article",
    {
      class: `message ${out ? "out" : "in"}${long ? " clamped" : ""}`,
      "data-id": id,
      "data-direction": direction,
      "data-state": state,
      "data-sealed": message.sealed ? "true" : "false",
      "data-trust": message.trust,
      tabindex: -1,
      "aria-label": t(out ? "messageByYou" : "messageBy", out ? timeOfDay(at) : name, out ? "" : timeOfDay(at)),
    },
    el("p", { class: "text", dir: "auto" }, ...body(message.text, onLink)),
    long && el("button", { type: "button", class: "show-all", onclick: showAll }, t("showAll")),
    el(
      "p",
      { class: "facts" },
      el("time", { datetime: isoTime(at), title: fullTime(at) }, timeOfDay(at)),
      seal(message),
      out && el("span", { class: "state" }, icon(stateWords(state).icon, stateWords(state).words)),
    ),
    reason &&
      el(
        "p",
        { class: "reason" },
        reason,
        state === "failed" && el("button", { type: "button", class: "retry", onclick: () => onRetry(id) }, t("retry")),
      ),
  );
}

/** @param {{currentTarget: HTMLElement}} event */
function showAll({ currentTarget }) {
  const message = currentTarget.closest("article");
  message?.classList.remove("clamped");
  message?.focus({ preventScroll: true });
}

/**
 * @param {string} text
 * @param {(url: string) => void} onLink
 */
function body(text, onLink) {
  return linkedSegments(text).map(({ text: piece, url }) =>
    url
      ? el(
          "a",
          {
            href: url,
            rel: "noopener noreferrer",
            onclick: (/** @type {Event} */ event) => {
              event.preventDefault();
              onLink(url);
            },
          },
          piece,
        )
      : piece,
  );
}

/**
 * How this message travelled: said where it is not as it should be, shown by a lock where it is.
 * @param {Message} message
 */
function seal({ sealed, trust }) {
  if (!sealed) {
    return el("span", { class: "seal open" }, icon("lock-open"), t("notSealed"));
  }
  const { icon: name, words } = trustWords(trust);
  return el("span", { class: "seal" }, icon(name, t("sealedWith", words)));
}

/** @param {number} at */
function isoTime(at) {
  const time = new Date(at);
  return Number.isNaN(time.valueOf()) ? "" : time.toISOString();
}
