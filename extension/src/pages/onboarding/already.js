/**
 * "I already use Corella": the identity that another device of the user's keeps in the network, or one from a backup
 * file. Secret and passphrase leave the page in one call and are written down nowhere.
 */

import { t } from "../../i18n.js";
import { RpcError } from "../../rpc.js";
import { bdi, byId, byIdAs } from "../dom.js";
import { base64, LARGEST } from "../files.js";
import { errorWords } from "../words.js";

/** @import { Address } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

/** The host refuses shorter ones; said here, it is said before anything is sent. */
const SHORTEST = 16;

export class AlreadyHere {
  #part = byIdAs("already", HTMLDetailsElement);
  #form = byIdAs("already-form", HTMLFormElement);
  #bySecret = byIdAs("already-way-secret", HTMLInputElement);
  #secret = byIdAs("already-secret", HTMLInputElement);
  #file = byIdAs("already-file", HTMLInputElement);
  #passphrase = byIdAs("already-passphrase", HTMLInputElement);
  #show = byIdAs("already-show", HTMLInputElement);
  #problem = byId("already-problem");
  #submit = byIdAs("already-submit", HTMLButtonElement);
  #busy = false;
  #ready = false;
  #link;
  #address;

  /**
   * @param {object} options
   * @param {BackgroundLink} options.link
   * @param {() => Address} options.address which of the user's addresses is chosen
   */
  constructor({ link, address }) {
    this.#link = link;
    this.#address = address;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#take();
    });
    byId("already-ways").addEventListener("change", () => this.#draw());
    this.#show.addEventListener("change", () => {
      this.#secret.type = this.#passphrase.type = this.#show.checked ? "text" : "password";
    });
    this.#draw();
  }

  /** @param {boolean} ready whether the host can be asked */
  setReady(ready) {
    this.#ready = ready;
    this.#draw();
  }

  /** Another address may be chosen; without one there is nothing to ask for. */
  chosen() {
    const address = this.#address();
    this.#part.hidden = address === "";
    byId("already-address").replaceChildren(bdi(address));
  }

  #draw() {
    const bySecret = this.#bySecret.checked;
    byId("already-by-secret").hidden = !bySecret;
    byId("already-by-file").hidden = bySecret;
    this.#submit.disabled = !this.#ready || this.#busy;
    this.#say("");
  }

  async #take() {
    if (this.#busy || !this.#ready) {
      return;
    }
    const address = this.#address();
    const file = this.#file.files?.[0];
    if (this.#bySecret.checked) {
      const secret = this.#secret.value;
      if ([...secret].length < SHORTEST) {
        this.#wrong(t("alreadyShortSecret"), this.#secret);
      } else {
        await this.#ask(() => this.#link.call("identity/fetch", { address, secret }), this.#secret);
      }
    } else if (!file) {
      this.#wrong(t("certificateNoFile"), this.#file);
    } else if (file.size > LARGEST) {
      this.#wrong(t("certificateTooLarge"), this.#file);
    } else {
      const passphrase = this.#passphrase.value;
      await this.#ask(
        async () => this.#link.call("identity/importFile", { address, file: await base64(file), passphrase }),
        this.#passphrase,
      );
    }
  }

  /**
   * @param {() => Promise<unknown>} ask
   * @param {HTMLElement} field what is to be corrected if it fails
   */
  async #ask(ask, field) {
    this.#setBusy(true);
    try {
      await ask();
      // The page goes on to the chat as soon as the host has told of the address.
      this.#form.reset();
    } catch (problem) {
      this.#setBusy(false);
      this.#wrong(alreadyWords(problem), field);
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.#form.setAttribute("aria-busy", busy ? "true" : "false");
    byId("already-progress").textContent = busy ? t("alreadyAsking") : "";
    this.#draw();
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

/** @param {unknown} problem */
function alreadyWords(problem) {
  if (problem instanceof RpcError && problem.name === "wrong-secret") {
    return t(problem.data.detail === "no-identity" ? "alreadyListOnly" : "alreadyNothing");
  }
  return errorWords(problem);
}
