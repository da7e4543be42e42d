/**
 * The list of conversations: a list box with one line for each person.
 */

import { plural, t } from "../../i18n.js";
import { badgeText } from "../../unread.js";
import { bdi, el, fill, icon, rovingFocus, setTabStop } from "../dom.js";
import { stateWords } from "../words.js";
import { avatar, presenceWords } from "./avatar.js";
import { fullTime, shortTime } from "./time.js";

/** @import { Row } from "./model.js" */

/** A preview needs no more of a message than fits on a line. */
const PREVIEW = 140;

export class ConversationList {
  /** @type {Map<string, {item: HTMLElement, drawn: string}>} by address; `drawn`: what it shows */
  #items = new Map();
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
   * Lines stay the same elements as long as their person is listed: a click that began on one ends on it.
   * @param {Row[]} rows
   * @param {string | null} open the address of the conversation on screen
   */
  show(rows, open) {
    const focused = document.activeElement;
    const items = rows.map((row) => this.#item(row, row.address === open));
    for (const [address, { item }] of this.#items) {
      if (!items.includes(item)) {
        item.remove();
        this.#items.delete(address);
      }
    }
    items.forEach((item, index) => {
      const there = this.#list.children[index] ?? null;
      if (there !== item) {
        this.#list.insertBefore(item, there);
      }
    });
    const stop =
      items.find((item) => item === focused) ?? items.find(({ dataset }) => dataset.address === open) ?? items[0];
    setTabStop(items, stop);
    if (stop === focused) {
      stop?.focus({ preventScroll: true });
    }
  }

  /**
   * @param {Row} row
   * @param {boolean} selected
   */
  #item(row, selected) {
    const known = this.#items.get(row.address) ?? { item: el("li", { role: "option", class: "row" }), drawn: "" };
    const { last, ...rest } = row;
    const drawn = JSON.stringify([rest, selected, last?.id, last?.state, last?.at, new Date().toDateString()]);
    if (known.drawn !== drawn) {
      draw(known.item, row, selected);
      this.#items.set(row.address, { item: known.item, drawn });
    }
    return known.item;
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
 * @param {HTMLElement} item
 * @param {Row} row
 * @param {boolean} selected
 */
function draw(item, row, selected) {
  const { last, kind } = row;
  item.setAttribute("aria-selected", selected ? "true" : "false");
  Object.assign(item.dataset, { address: row.address, kind, status: row.status, unread: row.unread });
  fill(
    item,
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
