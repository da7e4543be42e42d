/**
 * The user's own presence: the button that shows it, and the panel to set it, with a note, one's own addresses, their
 * keys, and whether other devices share them.
 */

import { plural, t } from "../../i18n.js";
import { STATUSES, STATUS_WORDS } from "../../presence.js";
import { bdi, byId, byIdAs, el } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { dot } from "./avatar.js";
import { OtherDevices } from "./other-devices.js";

/** @import { AddonState } from "../../addon-protocol.js" */
/** @import { Presence } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class OwnStatus {
  #button = byId("own-status");
  #panel = byId("own-status-panel");
  #form = byIdAs("own-status-form", HTMLFormElement);
  #choices = byId("own-status-choices");
  #note = byIdAs("own-status-note", HTMLInputElement);
  #addressBook = byIdAs("own-status-address-book", HTMLInputElement);
  #identities = byId("own-identities");
  #link;
  #devices;
  /** @type {AddonState | null} */
  #state = null;

  /**
   * @param {BackgroundLink} link
   * @param {(error: unknown) => void} onError
   */
  constructor(link, onError) {
    this.#link = link;
    this.#devices = new OtherDevices({ link, redraw: () => this.#list(), onError });
    this.#choices.append(...STATUSES.map(choice));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save().catch(onError);
    });
    this.#addressBook.addEventListener("change", () => {
      link.call("addon/settings", { addressBook: this.#addressBook.checked }).catch(onError);
    });
    this.#panel.addEventListener("beforetoggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") {
        this.#open().catch(onError);
      } else {
        this.#devices.leave();
      }
    });
  }

  /** @param {AddonState} state */
  show(state) {
    this.#state = state;
    const { status } = state;
    const connected = state.host.kind === "ready" && Boolean(status?.online);
    const presence = connected && status ? status.presence : "offline";
    const words = connected ? t(STATUS_WORDS[presence]) : t("notOnNetwork");
    this.#button.replaceChildren(dot(presence), el("span", {}, words));
    this.#button.setAttribute("aria-label", t("ownStatusLabel", words));
    this.#button.dataset.status = presence;
    this.#addressBook.checked = state.settings.addressBook;
    this.#button.dataset.online = connected ? "true" : "false";
    byId("own-network").textContent = connected
      ? plural("peers", status?.peers ?? 0)
      : t(state.host.kind === "ready" ? "networkJoining" : "networkNone");
  }

  async #open() {
    const { status } = this.#state ?? {};
    const presence = status?.presence ?? "online";
    for (const radio of this.#choices.querySelectorAll("input")) {
      radio.checked = radio.value === presence;
      radio.autofocus = radio.checked;
    }
    this.#note.value = status?.note ?? "";
    await this.#list();
  }

  async #list() {
    const { identities } = await this.#link.call("identity/list", {});
    this.#identities.replaceChildren(
      ...identities.flatMap((identity, index) => [
        el("dt", { id: `own-identity-${index}` }, bdi(identity.address)),
        el("dd", {}, t("ownFingerprint"), " ", fingerprint(identity.fingerprint)),
        this.#devices.line(identity, `own-identity-${index}`),
      ]),
    );
  }

  async #save() {
    const status = /** @type {Presence} */ (String(new FormData(this.#form).get("status")));
    const note = this.#note.value.trim();
    this.#panel.hidePopover();
    await this.#link.call("presence/set", note ? { status, note } : { status });
  }
}

/** @param {Presence} status */
function choice(status) {
  return el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "status", value: status }),
    dot(status),
    t(STATUS_WORDS[status]),
  );
}
