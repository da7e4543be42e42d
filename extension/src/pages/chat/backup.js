/**
 * The dialog that writes an own identity into a file, encrypted under a passphrase (PKCS #12). Passphrase and file are
 * gone from the page when the dialog closes.
 */

import { t } from "../../i18n.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { blob } from "../files.js";
import { errorWords } from "../words.js";

/** @import { Address } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

/** The host refuses shorter ones; said here, it is said before anything is sent. */
const SHORTEST = 12;
const TYPE = "application/x-pkcs12";

export class Backup {
  #dialog = byIdAs("backup-dialog", HTMLDialogElement);
  #form = byIdAs("backup-form", HTMLFormElement);
  #passphrase = byIdAs("backup-passphrase", HTMLInputElement);
  #again = byIdAs("backup-passphrase-again", HTMLInputElement);
  #problem = byId("backup-problem");
  #submit = byIdAs("backup-submit", HTMLButtonElement);
  #done = byId("backup-done");
  /** @type {Address} whom the dialog is about */
  #address = "";
  /** Counts how often the dialog closed: an answer knows by it whether the user still waits there. */
  #turn = 0;
  /** @type {string | null} where the page keeps the file */
  #url = null;
  #link;

  /** @param {BackgroundLink} link */
  constructor(link) {
    this.#link = link;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#export();
    });
    byId("backup-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#turn++;
      this.#form.reset();
      this.#setBusy(false);
      this.#forget();
    });
  }

  /**
   * What opens the dialog for an own address.
   * @param {Address} address
   */
  button(address) {
    const open = () => {
      this.#address = address;
      byId("backup-address").replaceChildren(bdi(address));
      this.#problem.textContent = "";
      this.#dialog.showModal();
    };
    return el("button", { type: "button", class: "backup", "aria-haspopup": "dialog", onclick: open }, t("backupOpen"));
  }

  /** The panel in which the dialog stands is closing. */
  leave() {
    this.#dialog.close();
  }

  async #export() {
    const passphrase = this.#passphrase.value;
    if ([...passphrase].length < SHORTEST) {
      return this.#wrong(t("backupShort"), this.#passphrase);
    }
    if (passphrase !== this.#again.value) {
      return this.#wrong(t("backupMismatch"), this.#again);
    }
    const turn = this.#turn;
    this.#problem.textContent = "";
    this.#setBusy(true);
    try {
      const { file } = await this.#link.call("identity/export", { address: this.#address, passphrase });
      if (turn === this.#turn) {
        this.#setBusy(false);
        this.#give(file);
      }
    } catch (problem) {
      if (turn === this.#turn) {
        this.#setBusy(false);
        this.#wrong(errorWords(problem), this.#passphrase);
      }
    }
  }

  /** @param {string} file in base64 */
  #give(file) {
    this.#forget();
    this.#url = URL.createObjectURL(blob(file, TYPE));
    const name = `corella-${this.#address.replaceAll(/[^a-z0-9@.-]/gi, "_")}.p12`;
    const save = el("a", { href: this.#url, download: name, id: "backup-file" }, t("backupSave", name));
    this.#done.replaceChildren(el("p", {}, t("backupDone")), el("p", {}, save));
    this.#form.hidden = this.#submit.hidden = true;
    save.focus();
  }

  #forget() {
    if (this.#url) {
      URL.revokeObjectURL(this.#url);
    }
    this.#url = null;
    this.#done.replaceChildren();
    this.#form.hidden = this.#submit.hidden = false;
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
    this.#problem.textContent = words;
    field.focus();
  }
}
