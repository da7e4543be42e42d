/**
 * The list of conversations: a list box with one line for each person.
 */

import { plural, t } from "../../i18n.js";
import { badgeText } from "../../unread.js";
import { bdi, el, icon, rovingFocus, setTabStop } from "../dom.js";
import { stateWords } from "../words.js";
import { avatar, presenceWords } from "./avatar.js";
import { fullTime, shortTime } from "./time.js";

/** @import { Row } from "./model.js" */

/** A preview needs no more of a message than fits on a line. */
const PREVIEW = 140;

export class ConversationList {
  #list;
  #onOpen;

  /**
   * @param {HTMLElement} list
   * @param {(address: string) => void} onOpen
   */
  constructor(list, onOpen) {
    this.#list = list;
    this.#onOpen = onOpen;
    rovingFocus(list, "[role=option]");
    list.addEventListener("click", (event) => this.#activate(event));
    list.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.#activate(event);
      }
    });
  }

  /**
   * @param {Row[]} rows
   * @param {string | null} open the address of the conversation on screen
   */
  show(rows, open) {
    const focused = this.#focusedAddress();
    const options = rows.map((row) => option(row, row.address === open));
    this.#list.replaceChildren(...options);
    const stop = options.find(({ dataset }) => dataset.address === (focused ?? open)) ?? options[0];
    setTabStop(options, stop);
    if (focused !== null) {
      stop?.focus({ preventScroll: true });
    }
  }

  #focusedAddress() {
    const { activeElement } = document;
    return activeElement instanceof HTMLElement && this.#list.contains(activeElement)
      ? (activeElement.dataset.address ?? null)
      : null;
  }

  /** @param {Event} event */
  #activate(event) {
    const item = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (item instanceof HTMLElement && item.dataset.address) {
      this.#onOpen(item.dataset.address);
    }
  }
}

/**
 * What the eye sees by colour and place is there in words too, unseen.
 * @param {Row} row
 * @param {boolean} selected
 */
function option(row, selected) {
  const { last, kind } = row;
  return el(
    "li",
    {
      role: "option",
      class: "row",
      "aria-selected": selected ? "true" : "false",
      "data-address": row.address,
      "data-kind": kind,
      "data-status": row.status,
      "data-unread": row.unread,
    },
    avatar(row.name, row.status),
    el("span", { class: "row-name" }, bdi(row.name)),
    last && kind === "chat" && unseen(presenceWords(row.status, row.note)),
    el("span", { class: "row-time" }, last && el("time", { title: fullTime(last.at) }, shortTime(last.at, Date.now()))),
    el("span", { class: "row-preview" }, ...preview(row)),
    row.question && el("span", { class: "row-badge attention" }, icon("attention", t("tagQuestion"))),
    !row.question && row.unread > 0 && el("span", { class: "row-badge", "aria-hidden": "true" }, badgeText(row.unread)),
    row.unread > 0 && unseen(plural("unread", row.unread)),
  );
}

/** @param {Row} row */
function preview({ kind, last, note, status }) {
  if (kind !== "chat") {
    return [el("span", { class: "tag" }, t(kind === "request" ? "tagRequest" : "tagBlocked"))];
  }
  if (!last) {
    return [bdi(presenceWords(status, note))];
  }
  const text = bdi(last.text.slice(0, PREVIEW).replace(/\s+/g, " "));
  return last.direction === "out" ? [icon(stateWords(last.state).icon), unseen(t("you")), text] : [text];
}

/** @param {string} words for who does not see the page */
function unseen(words) {
  return el("span", { class: "visually-hidden" }, ` ${words} `);
}
