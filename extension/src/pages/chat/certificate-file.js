/**
 * The dialog by which the user takes a certificate from a file (PKCS #12) into use. The passphrase leaves the page in
 * one call and is written down nowhere; the fields are emptied whenever the dialog closes.
 */

import { t } from "../../i18n.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { base64, LARGEST } from "../files.js";
import { errorWords } from "../words.js";

/** @import { Address } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class CertificateFile {
  #dialog = byIdAs("certificate-dialog", HTMLDialogElement);
  #form = byIdAs("certificate-form", HTMLFormElement);
  #file = byIdAs("certificate-file", HTMLInputElement);
  #passphrase = byIdAs("certificate-passphrase", HTMLInputElement);
  #problem = byId("certificate-problem");
  #submit = byIdAs("certificate-submit", HTMLButtonElement);
  /** @type {Address} whom the dialog is about */
  #address = "";
  /** Counts how often the dialog closed: an answer knows by it whether the user still waits there. */
  #turn = 0;
  #link;
  #redraw;

  /**
   * @param {object} options
   * @param {BackgroundLink} options.link
   * @param {() => Promise<void>} options.redraw asks for the own addresses again
   */
  constructor({ link, redraw }) {
    this.#link = link;
    this.#redraw = redraw;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#import();
    });
    byId("certificate-cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#turn++;
      this.#form.reset();
      this.#setBusy(false);
    });
  }

  /**
   * What opens the dialog for an own address.
   * @param {Address} address
   */
  button(address) {
    const open = () => {
      this.#address = address;
      byId("certificate-address").replaceChildren(bdi(address));
      this.#say("");
      this.#dialog.showModal();
    };
    return el("button", { type: "button", "aria-haspopup": "dialog", onclick: open }, t("certificateFromFile"));
  }

  /** The panel in which the dialog stands is closing. */
  leave() {
    this.#dialog.close();
  }

  async #import() {
    const file = this.#file.files?.[0];
    if (!file) {
      return this.#wrong(t("certificateNoFile"), this.#file);
    }
    if (file.size > LARGEST) {
      return this.#wrong(t("certificateTooLarge"), this.#file);
    }
    const turn = this.#turn;
    this.#say("");
    this.#setBusy(true);
    try {
      const params = { address: this.#address, file: await base64(file), passphrase: this.#passphrase.value };
      await this.#link.call("identity/importFile", params);
      if (turn === this.#turn) {
        this.#dialog.close();
      }
      await this.#redraw();
    } catch (problem) {
      if (turn === this.#turn) {
        this.#setBusy(false);
        this.#wrong(errorWords(problem), this.#passphrase);
      }
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#form.setAttribute("aria-busy", busy ? "true" : "false");
    this.#submit.disabled = busy;
  }

  /**
   * @param {string} words
   * @param {HTMLElement} field
   */
  #wrong(words, field) {
    this.#say(words);
    field.focus();
  }

  /** @param {string} words */
  #say(words) {
    this.#problem.textContent = words;
  }
}
