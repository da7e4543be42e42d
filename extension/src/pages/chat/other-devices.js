/**
 * The user's other devices: whether the buddy list of an own address, and the identity itself, are kept for them, and
 * the dialog that begins and ends this. The secret leaves the page in one call and is written down nowhere; the fields are emptied whenever the
 * dialog closes.
 */

import { plural, t } from "../../i18n.js";
import { RpcError } from "../../rpc.js";
import { suggestSecret } from "../../secret.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { errorWords } from "../words.js";

/** @import { Address, Identity, Methods } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

/** The host refuses shorter ones, with and without the identity; said here, it is said before anything is sent. */
const SHORTEST = 12;
const SHORTEST_FOR_IDENTITY = 16;

export class OtherDevices {
  #dialog = byIdAs("devices-dialog", HTMLDialogElement);
  #form = byIdAs("devices-form", HTMLFormElement);
  #ways = byIdAs("devices-ways", HTMLFieldSetElement);
  #keep = byIdAs("devices-way-keep", HTMLInputElement);
  #secret = byIdAs("devices-secret", HTMLInputElement);
  #again = byIdAs("devices-secret-again", HTMLInputElement);
  #show = byIdAs("devices-show", HTMLInputElement);
  #credential = byIdAs("devices-credential", HTMLInputElement);
  #kept = byId("devices-kept");
  #problem = byId("devices-problem");
  #submit = byIdAs("devices-submit", HTMLButtonElement);
  #stop = byIdAs("devices-stop", HTMLButtonElement);
  #close = byIdAs("devices-close", HTMLButtonElement);
  /** @type {Address} whom the dialog is about */
  #address = "";
  /** Counts how often the dialog opened and closed: an answer knows by it whether the user still waits there. */
  #turn = 0;
  #busy = false;
  /** @type {{address: Address, words: string} | null} what came of the last call */
  #news = null;
  #link;
  #redraw;
  #onError;

  /**
   * @param {object} options
   * @param {BackgroundLink} options.link
   * @param {() => Promise<void>} options.redraw asks for the own addresses again, and draws a line for each
   * @param {(error: unknown) => void} options.onError for what fails when the dialog is not open any more
   */
  constructor({ link, redraw, onError }) {
    this.#link = link;
    this.#redraw = redraw;
    this.#onError = onError;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#open();
    });
    this.#stop.addEventListener("click", () => {
      void this.#ask("roaming/close", { address: this.#address }, () => t("devicesStopped"));
    });
    this.#close.addEventListener("click", () => this.#dialog.close());
    this.#ways.addEventListener("change", () => this.#drawWay());
    this.#show.addEventListener("change", () => this.#drawSecret());
    this.#credential.addEventListener("change", () => this.#drawWay());
    byId("devices-suggest").addEventListener("click", () => {
      this.#secret.value = this.#again.value = suggestSecret();
      // To be written down it has to be seen.
      this.#show.checked = true;
      this.#drawSecret();
      this.#clearProblem();
    });
    this.#dialog.addEventListener("close", () => this.#forget());
  }

  /**
   * What stands below an own address.
   * @param {Identity} identity
   * @param {string} name id of the element that names the address
   */
  line({ address, roaming, portable }, name) {
    const news = this.#news?.address === address && this.#news.words;
    return el(
      "dd",
      {
        class: "devices",
        "data-address": address,
        "data-roaming": roaming ? "true" : "false",
        "data-portable": portable ? "true" : "false",
      },
      el("p", {}, news || t(portable ? "devicesAllKept" : roaming ? "devicesKept" : "devicesNotKept")),
      el(
        "button",
        {
          type: "button",
          "aria-haspopup": "dialog",
          "aria-describedby": name,
          onclick: () => this.#enter(address, roaming, portable),
        },
        t("devicesOpen"),
      ),
    );
  }

  /** The panel around it closes. */
  leave() {
    this.#dialog.close();
    this.#news = null;
  }

  /**
   * @param {Address} address
   * @param {boolean} kept
   * @param {boolean} portable whether the identity is kept, too
   */
  #enter(address, kept, portable) {
    this.#turn++;
    this.#address = address;
    byId("devices-address").replaceChildren(bdi(address));
    this.#form.hidden = this.#submit.hidden = kept;
    this.#kept.hidden = this.#stop.hidden = !kept;
    byId("devices-portable").textContent = t(portable ? "devicesPortable" : "devicesNotPortable");
    this.#drawWay();
    this.#dialog.showModal();
    // Never on what ends it, which is the first that could have the focus.
    (kept ? this.#close : this.#keep).focus();
  }

  #forget() {
    this.#turn++;
    this.#form.reset();
    this.#drawWay();
    this.#drawSecret();
  }

  #drawWay() {
    const first = this.#keep.checked;
    byId("devices-second").hidden = !first;
    const keepHint = this.#credential.checked ? "devicesKeepAllHint" : "devicesKeepHint";
    byId("devices-hint").textContent = t(first ? keepHint : "devicesFetchHint");
    this.#secret.autocomplete = first ? "new-password" : "current-password";
    this.#submit.textContent = t(first ? "devicesKeep" : "devicesFetch");
    this.#clearProblem();
  }

  #drawSecret() {
    for (const input of [this.#secret, this.#again]) {
      input.type = this.#show.checked ? "text" : "password";
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    for (const part of [this.#form, this.#kept]) {
      part.setAttribute("aria-busy", busy ? "true" : "false");
    }
    // Not disabled, which would take the focus away: what is in the fields is what was sent.
    this.#secret.readOnly = this.#again.readOnly = busy;
    this.#ways.disabled = this.#submit.disabled = this.#stop.disabled = busy;
    byId("devices-progress").textContent = busy ? t("devicesAsking") : "";
  }

  #clearProblem() {
    this.#problem.textContent = "";
    for (const input of [this.#secret, this.#again]) {
      input.removeAttribute("aria-invalid");
    }
  }

  /**
   * @param {string} words
   * @param {HTMLInputElement} input what is to be corrected
   */
  #refuse(words, input) {
    this.#problem.textContent = words;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  async #open() {
    const address = this.#address;
    const secret = this.#secret.value;
    const create = this.#keep.checked;
    const credential = create && this.#credential.checked;
    const least = credential ? SHORTEST_FOR_IDENTITY : SHORTEST;
    if ([...secret].length < least) {
      this.#clearProblem();
      this.#refuse(t("errorShortSecret", least), this.#secret);
    } else if (create && secret !== this.#again.value) {
      this.#clearProblem();
      this.#refuse(t("devicesMismatch"), this.#again);
    } else {
      const params = create ? { address, secret, create, credential } : { address, secret };
      await this.#ask("roaming/open", params, openedWords);
    }
  }

  /**
   * @template {"roaming/open" | "roaming/close"} Method
   * @param {Method} method
   * @param {Methods[Method]["params"]} params
   * @param {(result: Methods[Method]["result"]) => string} words what the user is told when it is done
   */
  async #ask(method, params, words) {
    if (this.#busy) {
      return;
    }
    const turn = this.#turn;
    this.#clearProblem();
    this.#setBusy(true);
    let result;
    try {
      result = await this.#link.call(method, params);
    } catch (error) {
      this.#setBusy(false);
      this.#failed(error, turn);
      return;
    }
    this.#setBusy(false);
    await this.#done(params.address ?? "", words(result), turn).catch(this.#onError);
  }

  /**
   * @param {unknown} error
   * @param {number} turn in which it was asked
   */
  #failed(error, turn) {
    if (turn !== this.#turn) {
      this.#onError(error);
    } else if (error instanceof RpcError && ["short-secret", "wrong-secret"].includes(error.name)) {
      this.#refuse(errorWords(error), this.#secret);
    } else {
      this.#problem.textContent = errorWords(error);
      (this.#stop.hidden ? this.#submit : this.#stop).focus();
    }
  }

  /**
   * @param {Address} address
   * @param {string} words
   * @param {number} turn in which it was asked
   */
  async #done(address, words, turn) {
    const waited = turn === this.#turn;
    this.#news = { address, words };
    if (waited) {
      this.#dialog.close();
    }
    await this.#redraw();
    if (waited) {
      // The button that the dialog gave the focus back to has just been drawn anew.
      const line = document.querySelector(`.devices[data-address="${CSS.escape(address)}"]`);
      line?.querySelector("button")?.focus();
    }
    byId("announcer").textContent = words;
  }
}

/** @param {Methods["roaming/open"]["result"]} result */
function openedWords({ people, devices }) {
  const others = devices === 0 ? t("devicesNoOthers") : plural("devicesOthers", devices);
  return `${t("devicesDone")} ${plural("devicesPeople", people)} ${others}`;
}
