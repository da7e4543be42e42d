/**
 * The user's own presence: the button that shows it, and the panel to set it, with a note, one's own addresses, their
 * keys, and whether other devices share them.
 */

import { plural, t } from "../../i18n.js";
import { STATUSES, STATUS_WORDS } from "../../presence.js";
import { bdi, byId, byIdAs, el, icon } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { keyPicture } from "../key-picture.js";
import { enrolmentWords, longDate } from "../words.js";
import { Authorities } from "./authorities.js";
import { dot } from "./avatar.js";
import { Backup } from "./backup.js";
import { CertificateFile } from "./certificate-file.js";
import { LostDevice } from "./lost-device.js";
import { OtherDevices } from "./other-devices.js";

/** @import { AddonState } from "../../addon-protocol.js" */
/** @import { Identity, Presence } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class OwnStatus {
  #button = byId("own-status");
  #panel = byId("own-status-panel");
  #form = byIdAs("own-status-form", HTMLFormElement);
  #choices = byId("own-status-choices");
  #note = byIdAs("own-status-note", HTMLInputElement);
  #addressBook = byIdAs("own-status-address-book", HTMLInputElement);
  #identities = byId("own-identities");
  #tidyLetters = byIdAs("own-status-tidy-letters", HTMLInputElement);
  #link;
  #devices;
  #file;
  #backup;
  #authorities;
  #lost;
  #onError;
  /** @type {AddonState | null} */
  #state = null;

  /**
   * @param {BackgroundLink} link
   * @param {(error: unknown) => void} onError
   */
  constructor(link, onError) {
    this.#link = link;
    this.#onError = onError;
    link.on("identity/changed", () => {
      if (this.#panel.matches(":popover-open")) {
        this.#list().catch(onError);
      }
    });
    this.#tidyLetters.addEventListener("change", () => {
      link.call("addon/settings", { tidyLetters: this.#tidyLetters.checked }).catch(onError);
    });
    this.#devices = new OtherDevices({ link, redraw: () => this.#list(), onError });
    this.#file = new CertificateFile({ link, redraw: () => this.#list() });
    this.#backup = new Backup(link);
    this.#authorities = new Authorities(link);
    this.#lost = new LostDevice({ link, redraw: () => this.#list(), onError });
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
        this.#file.leave();
        this.#backup.leave();
        this.#authorities.leave();
        this.#lost.leave();
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
    this.#tidyLetters.checked = state.settings.tidyLetters;
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
        identity.revoked ? this.#revoked(identity) : this.#certificate(identity),
        el("dd", {}, t("ownFingerprint"), " ", fingerprint(identity.key), ownCode(identity)),
        this.#devices.line(identity, `own-identity-${index}`),
        ...(identity.revoked ? [] : [this.#lost.line(identity.address, `own-identity-${index}`)]),
      ]),
    );
  }

  /**
   * An own address is off line because its key was declared void elsewhere, and what there is to do.
   * @param {Identity} identity
   */
  #revoked({ address }) {
    return el(
      "dd",
      { class: "certificate", "data-own": address, "data-revoked": "true" },
      el("p", { class: "problem", role: "alert" }, t("revokedElsewhere")),
      el(
        "button",
        { type: "button", class: "primary certificate-anew", onclick: () => void this.#anew(address) },
        t("revokedAnew"),
      ),
    );
  }

  /** @param {string} address */
  async #anew(address) {
    try {
      await this.#link.call("identity/enrol", { address });
      await this.#list();
    } catch (problem) {
      this.#onError(problem);
    }
  }

  /**
   * Whether an authority vouches for an own address, or how far that is.
   * @param {Identity} identity
   */
  #certificate({ address, trust, issuer, expires, enrolment }) {
    const verified = trust === "verified";
    const words = verified ? t("certifiedBy", issuer, longDate(expires)) : t("notCertified");
    return el(
      "dd",
      { class: "certificate", "data-own": address, "data-trust": trust, "data-enrolment": enrolment?.state ?? "" },
      el("p", {}, icon(verified ? "lock-verified" : "lock"), words),
      enrolment && el("p", { role: "status" }, enrolmentWords(enrolment)),
      enrolment &&
        enrolment.state !== "answering" &&
        el(
          "button",
          {
            type: "button",
            class: "certificate-now",
            onclick: () => void this.#link.call("identity/enrol", { address }).catch(this.#onError),
          },
          t("enrolmentNow"),
        ),
      this.#file.button(address),
      this.#backup.button(address),
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

/**
 * An own key as a code, for whoever scans it from this screen.
 * @param {Identity} identity
 */
function ownCode({ address, key }) {
  return el(
    "details",
    { class: "own-code" },
    el("summary", {}, t("ownCodeShow")),
    keyPicture(address, key, t("ownCode", address)),
    el("p", { class: "quiet" }, t("ownCodeHint")),
  );
}
