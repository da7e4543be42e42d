/**
 * Tells above the messages that the person of the open conversation has a new key for which the authority vouches,
 * until the user has closed it. Nothing has to be decided; whoever wonders can ask the person.
 */

import { t } from "../../i18n.js";
import { el, fill } from "../dom.js";
import { longDate } from "../words.js";

/** @import { AddonState, NewKey } from "../../addon-protocol.js" */
/** @import { Address, Buddy } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class NewKeyNotice {
  /** @type {NewKey[]} */
  #keys = [];
  /** @type {{address: Address, name: string, buddy: Buddy | undefined} | null} */
  #person = null;
  #shown = "";
  #box;
  #link;
  #onError;

  /**
   * @param {object} options
   * @param {HTMLElement} options.box empty and hidden
   * @param {BackgroundLink} options.link
   * @param {(error: unknown) => void} options.onError
   */
  constructor({ box, link, onError }) {
    this.#box = box;
    this.#link = link;
    this.#onError = onError;
  }

  /** @param {AddonState} state */
  enter({ newKeys }) {
    this.#keys = newKeys;
    this.#draw();
  }

  /**
   * @param {Address} address of the open conversation
   * @param {string} name
   * @param {Buddy | undefined} buddy
   */
  show(address, name, buddy) {
    this.#person = { address, name, buddy };
    this.#draw();
  }

  #draw() {
    const { address, name, buddy } = this.#person ?? { address: "", name: "" };
    const key = this.#keys.find((one) => one.address === address);
    // Once the key is known in another way, by a comparison for example, it is not the authority that speaks for it.
    const words =
      key && buddy?.known?.how === "authority" ? t("newKey", name, longDate(key.at), buddy.known.authority ?? "") : "";
    const drawn = words && `${address} ${words}`;
    if (drawn === this.#shown) {
      return;
    }
    this.#shown = drawn;
    this.#box.hidden = words === "";
    const close = () => void this.#link.call("addon/knowKey", { address }).catch(this.#onError);
    fill(
      this.#box,
      words && el("p", {}, words),
      words && el("button", { type: "button", id: "key-renewed-close", onclick: close }, t("close")),
    );
  }
}
