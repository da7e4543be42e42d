/**
 * What is wrong with the connection to the host program, in words, and the one thing to do about it.
 */

import { t } from "../i18n.js";
import { bdi, el, fill } from "./dom.js";

/** @import { AddonState, HostState } from "../addon-protocol.js" */
/** @import { BackgroundLink } from "./background-link.js" */
/** @import { Child } from "./dom.js" */

export class HostNotice {
  #box;
  #link;
  #shown = "";

  /**
   * @param {HTMLElement} box empty; hidden while all is well
   * @param {BackgroundLink} link
   */
  constructor(box, link) {
    this.#box = box;
    this.#link = link;
  }

  /** @param {AddonState} state */
  show({ host }) {
    const key = JSON.stringify(host);
    if (key === this.#shown) {
      return;
    }
    this.#shown = key;
    this.#box.dataset.state = host.kind;
    this.#box.hidden = host.kind === "ready";
    const { title, act, command } = words(host);
    fill(
      this.#box,
      el("p", { class: "notice-title" }, title),
      act && el("p", {}, act, command && el("code", {}, bdi(command))),
      host.kind !== "connecting" &&
        el(
          "button",
          { type: "button", id: "host-retry", onclick: () => void this.#link.call("addon/reconnect", {}) },
          t("tryAgainNow"),
        ),
    );
  }
}

/**
 * @param {HostState} host
 * @returns {{title: string, act?: Child, command?: string}}
 */
function words(host) {
  switch (host.kind) {
    case "ready":
      return { title: "" };
    case "connecting":
      return { title: t("hostConnecting") };
    case "missing":
      return { title: t("hostMissing"), act: t("hostMissingDo"), command: "corella install" };
    case "too-old":
      return { title: t("hostTooOld", host.host, host.addon), act: t("hostTooOldDo") };
    case "too-new":
      return { title: t("hostTooNew", host.addon, host.host), act: t("hostTooNewDo") };
    case "crashed":
      return { title: t("hostCrashed"), act: t("hostDoctorDo"), command: "corella doctor" };
    case "refused":
      if (host.name === "in-use") {
        return { title: t("hostInUse"), act: t("hostInUseDo") };
      }
      return {
        title: host.name === "store" ? t("hostStore") : t("hostRefused", host.name),
        act: t("hostDoctorDo"),
        command: "corella doctor",
      };
  }
}
