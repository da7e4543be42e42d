/**
 * The line that says what just failed.
 */

import { t } from "../i18n.js";
import { el } from "./dom.js";
import { errorWords } from "./words.js";

export class ErrorBar {
  #box;

  /** @param {HTMLElement} box with role alert, hidden while there is nothing to say */
  constructor(box) {
    this.#box = box;
  }

  /** @param {unknown} error */
  show = (error) => {
    console.warn("Corella:", error);
    this.say(errorWords(error));
  };

  /** @param {string} words */
  say(words) {
    this.#box.replaceChildren(
      el("p", {}, words),
      el("button", { type: "button", id: "error-close", onclick: () => this.clear() }, t("close")),
    );
    this.#box.hidden = false;
  }

  clear() {
    this.#box.hidden = true;
  }
}
