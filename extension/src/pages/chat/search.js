/**
 * Searching what was said: results come while the user types, best first, in place of the conversations. Escape goes
 * back.
 */

import { plural, t } from "../../i18n.js";
import { bdi, byId, byIdAs, el, rovingFocus, setTabStop } from "../dom.js";
import { errorWords } from "../words.js";
import { markedSegments } from "./segments.js";
import { fullTime, shortTime } from "./time.js";

/** @import { Hit } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

const PAUSE_MS = 200;
const LIMIT = 50;

/**
 * @typedef {object} Parts
 * @property {BackgroundLink} link
 * @property {(address: string) => string} name
 * @property {(hit: Hit) => void} onOpen
 * @property {(active: boolean) => void} onActive whether results stand in place of the conversations
 */

export class Search {
  #input = byIdAs("search-input", HTMLInputElement);
  #pane = byId("search-results");
  #status = byId("search-status");
  #list = byId("search-list");
  #more = byId("search-more");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Counts the questions: a late answer to an earlier one is dropped. */
  #asked = 0;
  /** @type {string | undefined} */
  #cursor;
  /** @type {Hit[]} */
  #hits = [];
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#start(), PAUSE_MS);
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        clearTimeout(this.#timer);
        void this.#start();
      } else if (event.key === "ArrowDown" && this.#hits.length > 0) {
        event.preventDefault();
        this.#items()[0]?.focus();
      }
    });
    byId("sidebar").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && (this.#input.value || !this.#pane.hidden)) {
        event.preventDefault();
        this.leave();
        this.#input.focus();
      }
    });
    rovingFocus(this.#list, "[role=option]");
    this.#list.addEventListener("click", (event) => this.#activate(event));
    this.#list.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.#activate(event);
      }
    });
    this.#more.addEventListener("click", () => void this.#next());
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /** Back to the conversations. */
  leave() {
    clearTimeout(this.#timer);
    this.#input.value = "";
    void this.#start();
  }

  async #start() {
    const query = this.#input.value.trim();
    const asked = ++this.#asked;
    this.#cursor = undefined;
    if (query === "") {
      this.#setActive(false);
      this.#show([], "");
      return;
    }
    try {
      const { total, hits, cursor } = await this.#parts.link.call("messages/search", { query, limit: LIMIT });
      if (asked === this.#asked) {
        this.#cursor = cursor;
        this.#show(hits, total === 0 ? t("searchNothing") : plural("searchTotal", total));
        this.#setActive(true);
      }
    } catch (error) {
      if (asked === this.#asked) {
        this.#show([], errorWords(error));
        this.#setActive(true);
      }
    }
  }

  async #next() {
    const asked = this.#asked;
    const { length } = this.#hits;
    try {
      const { hits, cursor } = await this.#parts.link.call("messages/search", {
        query: this.#input.value.trim(),
        limit: LIMIT,
        cursor: this.#cursor,
      });
      if (asked === this.#asked) {
        this.#cursor = cursor;
        this.#show([...this.#hits, ...hits], this.#status.textContent ?? "");
        this.#items()[length]?.focus();
      }
    } catch (error) {
      this.#status.textContent = errorWords(error);
    }
  }

  /**
   * @param {Hit[]} hits
   * @param {string} status
   */
  #show(hits, status) {
    this.#hits = hits;
    this.#status.textContent = status;
    this.#list.replaceChildren(...hits.map((hit, index) => this.#option(hit, index)));
    this.#list.hidden = hits.length === 0;
    setTabStop(this.#items(), this.#items()[0]);
    this.#more.hidden = this.#cursor === undefined;
  }

  /** @param {boolean} active */
  #setActive(active) {
    this.#pane.hidden = !active;
    this.#parts.onActive(active);
  }

  #items() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /** @param {Event} event */
  #activate(event) {
    const item = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    const hit = item instanceof HTMLElement ? this.#hits[Number(item.dataset.index)] : undefined;
    if (!hit || !(item instanceof HTMLElement)) {
      return;
    }
    for (const other of this.#items()) {
      other.setAttribute("aria-selected", other === item ? "true" : "false");
    }
    setTabStop(this.#items(), item);
    this.#parts.onOpen(hit);
  }

  /**
   * @param {Hit} hit
   * @param {number} index
   */
  #option(hit, index) {
    const name = this.#parts.name(hit.with);
    const who = hit.direction === "out" ? t("toName", name) : name;
    return el(
      "li",
      {
        role: "option",
        class: "row hit",
        "aria-selected": "false",
        "data-index": index,
        "data-id": hit.id,
        "data-address": hit.with,
      },
      el("span", { class: "row-name" }, bdi(who)),
      el("time", { class: "row-time", title: fullTime(hit.at) }, shortTime(hit.at, Date.now())),
      el(
        "span",
        { class: "snippet", dir: "auto" },
        ...markedSegments(hit.snippet, hit.marks).map(({ text, marked }) => (marked ? el("mark", {}, text) : text)),
      ),
    );
  }
}
