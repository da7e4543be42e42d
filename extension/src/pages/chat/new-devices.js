/**
 * Tells of new devices that use the user's own identity, until the user has said that they know.
 */

import { language, t } from "../../i18n.js";
import { el, fill } from "../dom.js";

/** @import { AddonState, NewDevice } from "../../addon-protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class NewDevices {
  #box;
  #link;
  #onError;
  #shown = "[]";

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
  show({ newDevices }) {
    const key = JSON.stringify(newDevices);
    if (key === this.#shown) {
      return;
    }
    this.#shown = key;
    this.#box.hidden = newDevices.length === 0;
    const known = newDevices.map(({ device }) => device);
    fill(
      this.#box,
      ...newDevices.map((one) => el("p", { "data-device": one.device }, words(one))),
      el("p", {}, t("newDeviceDo")),
      el(
        "button",
        {
          type: "button",
          id: "new-devices-known",
          onclick: () => void this.#link.call("addon/knowDevices", { devices: known }).catch(this.#onError),
        },
        t("newDeviceKnown"),
      ),
    );
  }
}

/** @param {NewDevice} device */
function words({ address, at }) {
  const when = new Intl.DateTimeFormat(language(), { dateStyle: "long", timeStyle: "short" }).format(at);
  return t("newDevice", address, when);
}
