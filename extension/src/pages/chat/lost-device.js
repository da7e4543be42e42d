/**
 * For whoever has lost a device: the dialog that says what follows, and declares the key of an own address void.
 */

import { t } from "../../i18n.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { errorWords } from "../words.js";

/** @import { Address } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class LostDevice {
  #dialog = byIdAs("lost-dialog", HTMLDialogElement);
  #problem = byId("lost-problem");
  #submit = byIdAs("lost-submit", HTMLButtonElement);
  #cancel = byIdAs("lost-cancel", HTMLButtonElement);
  /** @type {Address} whom the dialog is about */
  #address = "";
  /** Counts how often the dialog closed: an answer knows by it whether the user still waits there. */
  #turn = 0;
  #link;
  #redraw;
  #onError;

  /**
   * @param {object} options
   * @param {BackgroundLink} options.link
   * @param {() => Promise<void>} options.redraw asks for the own addresses again
   * @param {(error: unknown) => void} options.onError for what fails when the dialog is not open any more
   */
  constructor({ link, redraw, onError }) {
    this.#link = link;
    this.#redraw = redraw;
    this.#onError = onError;
    this.#submit.addEventListener("click", () => void this.#revoke());
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#turn++;
      this.#setBusy(false);
    });
  }

  /**
   * What opens the dialog for an own address.
   * @param {Address} address
   * @param {string} name id of the element that names the address
   */
  line(address, name) {
    const open = () => {
      this.#address = address;
      byId("lost-address").replaceChildren(bdi(address));
      this.#problem.textContent = "";
      this.#dialog.showModal();
      // Never on what cannot be undone.
      this.#cancel.focus();
    };
    return el(
      "dd",
      { class: "lost", "data-address": address },
      el(
        "button",
        { type: "button", class: "quiet", "aria-haspopup": "dialog", "aria-describedby": name, onclick: open },
        t("lostOpen"),
      ),
    );
  }

  /** The panel in which the dialog stands is closing. */
  leave() {
    this.#dialog.close();
  }

  async #revoke() {
    const turn = this.#turn;
    this.#problem.textContent = "";
    this.#setBusy(true);
    try {
      await this.#link.call("identity/revoke", { address: this.#address });
      if (turn === this.#turn) {
        this.#dialog.close();
      }
      await this.#redraw();
    } catch (problem) {
      if (turn === this.#turn) {
        this.#setBusy(false);
        this.#problem.textContent = errorWords(problem);
      } else {
        this.#onError(problem);
      }
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#dialog.setAttribute("aria-busy", busy ? "true" : "false");
    this.#submit.disabled = busy;
  }
}
