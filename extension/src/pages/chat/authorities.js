/**
 * The dialog on whom to trust: the authorities whose certificates make a key verified, and another one from a file,
 * which is trusted only after the user has seen its fingerprint.
 */

import { t } from "../../i18n.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { authorityFileWords, longDate } from "../words.js";
import { base64, LARGEST } from "../files.js";

/** @import { Authority } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

const PEM = "-----BEGIN ";

export class Authorities {
  #dialog = byIdAs("authorities-dialog", HTMLDialogElement);
  #list = byId("authorities");
  #input = byIdAs("authority-file", HTMLInputElement);
  #found = byId("authority-found");
  #candidates = byId("authority-candidates");
  #problem = byId("authorities-problem");
  #progress = byId("authorities-progress");
  /** Counts files chosen and closings: an answer knows by it whether the user still waits for it. */
  #turn = 0;
  #link;

  /** @param {BackgroundLink} link */
  constructor(link) {
    this.#link = link;
    byId("authorities-open").addEventListener("click", () => void this.#open());
    byId("authorities-close").addEventListener("click", () => this.#dialog.close());
    this.#input.addEventListener("change", () => void this.#inspect(this.#input.files?.[0]));
    this.#dialog.addEventListener("close", () => this.#forget());
  }

  /** The panel in which the dialog stands is closing. */
  leave() {
    this.#dialog.close();
  }

  async #open() {
    this.#forget();
    this.#list.replaceChildren();
    this.#dialog.showModal();
    byId("authorities-close").focus();
    await this.#ask(this.#turn, async () => this.#show((await this.#link.call("authorities/list", {})).authorities));
  }

  /** The file that was looked into is nothing any more. */
  #forget() {
    this.#turn++;
    this.#input.value = "";
    this.#found.hidden = true;
    this.#candidates.replaceChildren();
    this.#problem.textContent = this.#progress.textContent = "";
  }

  /** @param {Authority[]} authorities */
  #show(authorities) {
    const items = authorities.map((authority) =>
      item(
        "trusted",
        authority,
        el("p", { class: "quiet" }, t(authority.added ? "authorityAdded" : "authorityConfigured")),
        authority.added &&
          button(
            "remove-authority",
            t("authorityRemove"),
            nameId("trusted", authority),
            () => void this.#remove(authority),
          ),
        authority.added && el("p", { class: "quiet" }, t("authorityRemoveHint")),
      ),
    );
    this.#list.replaceChildren(...(items.length > 0 ? items : [el("li", {}, t("authoritiesNone"))]));
  }

  /** @param {File | undefined} chosen */
  async #inspect(chosen) {
    const turn = ++this.#turn;
    this.#found.hidden = true;
    this.#problem.textContent = "";
    if (!chosen) {
      return;
    }
    if (chosen.size > LARGEST) {
      this.#problem.textContent = t("certificateTooLarge");
      return;
    }
    await this.#ask(turn, async () => {
      const text = await chosen.text();
      const file = text.includes(PEM) ? text : await base64(chosen);
      const { authorities } = await this.#link.call("authorities/inspect", { file });
      if (turn === this.#turn) {
        this.#candidates.replaceChildren(
          ...authorities.map((authority) =>
            item(
              "found",
              authority,
              button(
                "trust-authority",
                t("authorityTrust"),
                nameId("found", authority),
                () => void this.#add(file, authority),
              ),
            ),
          ),
        );
        this.#found.hidden = false;
        this.#found.scrollIntoView({ block: "nearest" });
      }
    });
  }

  /**
   * @param {string} file
   * @param {Authority} authority
   */
  async #add(file, authority) {
    await this.#ask(this.#turn, async () => {
      const { authorities } = await this.#link.call("authorities/add", { file, fingerprint: authority.fingerprint });
      this.#show(authorities);
      // Others of the same file may follow; when none is left, the file has done its work.
      const rest = [...this.#candidates.children].filter((one) => !isAbout(one, authority));
      this.#candidates.replaceChildren(...rest);
      if (rest.length === 0) {
        this.#forget();
      }
      this.#progress.textContent = t("authorityNowTrusted", authority.name);
      byId("authorities-close").focus();
    });
  }

  /** @param {Authority} authority */
  async #remove(authority) {
    await this.#ask(this.#turn, async () => {
      this.#show((await this.#link.call("authorities/remove", { fingerprint: authority.fingerprint })).authorities);
      this.#progress.textContent = t("authorityNoLonger", authority.name);
      byId("authorities-close").focus();
    });
  }

  /**
   * @param {number} turn
   * @param {() => Promise<void>} call
   */
  async #ask(turn, call) {
    this.#problem.textContent = this.#progress.textContent = "";
    this.#dialog.setAttribute("aria-busy", "true");
    try {
      await call();
    } catch (error) {
      if (turn === this.#turn) {
        this.#problem.textContent =
          error instanceof DOMException ? t("authorityUnreadable") : authorityFileWords(error);
      }
    } finally {
      this.#dialog.removeAttribute("aria-busy");
    }
  }
}

/**
 * @param {string} place in which list
 * @param {Authority} authority
 * @param {...(HTMLElement | false)} more
 */
function item(place, authority, ...more) {
  return el(
    "li",
    { "data-authority": authority.fingerprint, "data-added": authority.added ? "true" : "false" },
    bdi(authority.name, { class: "name", id: nameId(place, authority) }),
    fingerprint(authority.fingerprint),
    el("p", {}, t("authorityUntil", longDate(authority.expires))),
    ...more,
  );
}

/**
 * @param {Element} shown
 * @param {Authority} authority
 */
function isAbout(shown, authority) {
  return shown instanceof HTMLElement && shown.dataset.authority === authority.fingerprint;
}

/**
 * @param {string} kind
 * @param {string} words
 * @param {string} about id of the element that names the authority
 * @param {() => void} onclick
 */
function button(kind, words, about, onclick) {
  return el("button", { type: "button", class: kind, "aria-describedby": about, onclick }, words);
}

/**
 * @param {string} place
 * @param {Authority} authority
 */
function nameId(place, { fingerprint: digits }) {
  return `${place}-${digits}`;
}
