/**
 * The dialog in which two people make sure that each has the other's key: digits to read aloud, one's own key as a
 * code to show, and theirs looked for in a picture. Nothing is confirmed but by the user's button.
 */

import { t } from "../../i18n.js";
import { readCode } from "../../key-code.js";
import { bdi, byId, byIdAs, el, fill, icon } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { keyPicture, readPicture } from "../key-picture.js";
import { keyWords } from "../words.js";

/** @import { Address, Candidate, Identity } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

/**
 * Whose keys are compared.
 * @typedef {object} Compared
 * @property {Address} address
 * @property {string} name
 * @property {Candidate[]} keys that are known for the address; several where the user has to choose
 * @property {boolean} open whether the user can still say that one of them is theirs
 */

export class Compare {
  #dialog = byIdAs("compare-dialog", HTMLDialogElement);
  #theirs = byId("compare-theirs");
  #own = byId("compare-own");
  #file = byIdAs("compare-file", HTMLInputElement);
  #drop = byId("compare-drop");
  #result = byId("compare-result");
  #confirm = byIdAs("compare-confirm", HTMLButtonElement);
  #differs = byIdAs("compare-differs", HTMLButtonElement);
  /** @type {Compared} */
  #about = { address: "", name: "", keys: [], open: false };
  /** @type {Candidate | undefined} the key that the button confirms */
  #meant;
  /** @type {Identity[]} */
  #identities = [];
  /** Counts what was looked at: a picture that takes its time is dropped for a later one. */
  #looked = 0;
  #link;
  #onError;

  /**
   * @param {BackgroundLink} link
   * @param {(error: unknown) => void} onError
   */
  constructor(link, onError) {
    this.#link = link;
    this.#onError = onError;
    byId("compare-close").addEventListener("click", () => this.#dialog.close());
    this.#confirm.addEventListener("click", () => this.#accept());
    this.#differs.addEventListener("click", () => this.#alarm());
    this.#file.addEventListener("change", () => void this.#look(this.#file.files?.[0]));
    this.#dialog.addEventListener("paste", (event) => void this.#look(event.clipboardData?.files[0]));
    // Without this, a picture dropped beside the field would be opened in place of the chat.
    this.#dialog.addEventListener("dragover", (event) => event.preventDefault());
    this.#dialog.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#look(event.dataTransfer?.files[0]);
    });
    this.#dialog.addEventListener("close", () => {
      this.#looked++;
      this.#file.value = "";
      // What had the focus before is in a panel that the dialog has closed, or was drawn anew.
      byId("person-trust").focus();
    });
  }

  /** @param {Compared} about */
  open(about) {
    this.#about = about;
    const { name, keys } = about;
    byId("compare-title").textContent = t("compareTitle", name);
    fill(
      this.#theirs,
      el("h3", {}, t("compareTheirs", name)),
      ...keys.flatMap(({ key, trust }) => [
        keys.length > 1 && el("p", { class: "quiet" }, keyWords(trust)),
        large(key),
      ]),
    );
    this.#drop.textContent = t("compareDrop", name);
    this.#say("");
    this.#mean(keys.length === 1 ? keys[0] : undefined, t("confirmKey"));
    this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#showOwn().catch(this.#onError);
  }

  /**
   * What is known of a person has changed: keys that are no longer theirs must not be confirmed.
   * @param {Compared} now
   */
  update(now) {
    const shown = (/** @type {Compared} */ { address, keys, open }) =>
      JSON.stringify([address, open, keys.map(({ key }) => key)]);
    if (this.#dialog.open && shown(now) !== shown(this.#about)) {
      this.#dialog.close();
    }
  }

  async #showOwn() {
    this.#own.replaceChildren();
    this.#identities = (await this.#link.call("identity/list", {})).identities;
    const several = this.#identities.length > 1;
    fill(
      this.#own,
      el("h3", {}, t("compareOwn")),
      ...this.#identities.flatMap(({ address, key }) => [
        several && el("p", {}, bdi(address)),
        large(key),
        keyPicture(address, key, t("ownCode", address)),
      ]),
      el("p", { class: "quiet" }, t("ownCodeHint")),
    );
  }

  /** @param {File | undefined} picture of the code that the other shows */
  async #look(picture) {
    if (!picture) {
      return;
    }
    const looked = ++this.#looked;
    this.#say(t("compareLooking"));
    const text = await readPicture(picture);
    if (looked === this.#looked) {
      this.#judge(text);
    }
  }

  /** @param {string | null} text of the code in the picture */
  #judge(text) {
    const { address, name, keys } = this.#about;
    const code = text === null ? null : readCode(text);
    const same = keys.find(({ key }) => key === code?.key);
    if (!code) {
      this.#say(t(text === null ? "compareNoCode" : "compareOtherCode"));
    } else if (code.address !== address) {
      const own = this.#identities.some((identity) => identity.address === code.address);
      this.#say(own ? t("compareOwnCode") : t("compareOtherPerson", code.address, name));
    } else if (same) {
      this.#say(t("compareSame"), "good");
      this.#mean(same, t("compareConfirm"));
      (this.#confirm.hidden ? byId("compare-close") : this.#confirm).focus();
    } else {
      this.#alarm();
    }
  }

  #alarm() {
    const { name } = this.#about;
    this.#mean(undefined, "");
    this.#say(t("compareDifferent", name), "bad", t("compareDifferentDo", name));
    byId("compare-close").focus();
  }

  /**
   * @param {Candidate | undefined} key
   * @param {string} words on the button
   */
  #mean(key, words) {
    this.#meant = key;
    this.#confirm.textContent = words;
    this.#confirm.hidden = this.#differs.hidden = !key || !this.#about.open;
  }

  /**
   * @param {string} words
   * @param {"" | "good" | "bad"} kind
   * @param {string} [more] what to do
   */
  #say(words, kind = "", more) {
    this.#result.dataset.kind = kind;
    fill(
      this.#result,
      words && el("p", {}, kind && icon(kind === "good" ? "lock-verified" : "attention"), words),
      more && el("p", {}, more),
    );
    this.#result.scrollIntoView({ block: "nearest" });
  }

  #accept() {
    const { address } = this.#about;
    const fingerprint = this.#meant?.fingerprint;
    this.#dialog.close();
    if (fingerprint) {
      this.#link.call("buddies/accept", { address, fingerprint }).catch(this.#onError);
    }
  }
}

/** @param {string} key */
function large(key) {
  const digits = fingerprint(key);
  digits.classList.add("large");
  return digits;
}
