/**
 * Where a message is written: Enter sends, Shift+Enter begins a new line. What was begun for one person is kept while
 * another conversation is open.
 */

import { plural, t } from "../../i18n.js";
import { byId, byIdAs } from "../dom.js";

/** The host takes no longer message (PROTOCOL.md, `Message.text`). */
export const MAX_BYTES = 32_768;
/** From here on the user is told how much is left. */
const NEARLY_FULL = MAX_BYTES - 2_000;

export class Composer {
  #form = byIdAs("composer", HTMLFormElement);
  #text = byIdAs("composer-text", HTMLTextAreaElement);
  #button = byIdAs("composer-send", HTMLButtonElement);
  #limit = byId("composer-limit");
  /** @type {Map<string, string>} what was begun, by address */
  #drafts = new Map();
  /** @type {string | null} */
  #with = null;
  #canSend = true;
  #send;

  /** @param {(address: string, text: string) => Promise<boolean>} send false: not taken, the text comes back */
  constructor(send) {
    this.#send = send;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => {
      // While a character is being composed (Japanese, say), Enter belongs to the input method.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        void this.#submit();
      }
    });
    this.#text.addEventListener("input", () => this.#update());
  }

  /**
   * @param {string} address
   * @param {string} name
   */
  open(address, name) {
    if (this.#with !== address) {
      this.#keepDraft();
      this.#with = address;
      this.#text.value = this.#drafts.get(address) ?? "";
    }
    this.#text.placeholder = t("composerPlaceholder", name);
    this.#text.setAttribute("aria-label", t("composerLabel", name));
    this.#update();
  }

  /** @param {boolean} visible nothing is written to who is blocked or waits for an answer */
  setVisible(visible) {
    this.#form.hidden = !visible;
  }

  /** @param {boolean} canSend whether the host is there */
  setCanSend(canSend) {
    this.#canSend = canSend;
    this.#update();
  }

  /** Ready to type, because the user asked for this conversation. */
  focus() {
    if (!this.#form.hidden) {
      this.#text.focus();
    }
  }

  async #submit() {
    const address = this.#with;
    const text = this.#text.value;
    if (!address || this.#button.disabled) {
      return;
    }
    this.#text.value = "";
    this.#update();
    if (await this.#send(address, text)) {
      return;
    }
    // Never lose what was written, even if the user has gone on meanwhile.
    if (this.#with === address) {
      this.#text.value = [text, this.#text.value].filter(Boolean).join("\n");
    } else {
      this.#drafts.set(address, [text, this.#drafts.get(address)].filter(Boolean).join("\n"));
    }
    this.#update();
  }

  #keepDraft() {
    if (this.#with && this.#text.value) {
      this.#drafts.set(this.#with, this.#text.value);
    } else if (this.#with) {
      this.#drafts.delete(this.#with);
    }
  }

  #update() {
    const text = this.#text.value;
    const bytes = text.length * 3 < NEARLY_FULL ? text.length : new TextEncoder().encode(text).length;
    const tooLong = bytes > MAX_BYTES;
    this.#button.disabled = !this.#canSend || tooLong || text.trim() === "";
    this.#limit.hidden = bytes < NEARLY_FULL;
    if (!this.#limit.hidden) {
      this.#limit.textContent = tooLong
        ? plural("bytesTooMany", bytes - MAX_BYTES)
        : plural("bytesLeft", MAX_BYTES - bytes);
    }
    this.#limit.classList.toggle("too-long", tooLong);
    this.#text.setAttribute("aria-invalid", tooLong ? "true" : "false");
    // As high as its text, up to what the style sheet allows.
    this.#text.style.blockSize = "auto";
    this.#text.style.blockSize = `${this.#text.scrollHeight + 2}px`;
  }
}
