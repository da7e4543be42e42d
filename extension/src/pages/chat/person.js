/**
 * Who the open conversation is with: the heading with presence and trust, and above the messages what the user has to
 * decide about this person.
 */

import { t } from "../../i18n.js";
import { bdi, byId, el, fill, icon } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { keyWords, trustWords } from "../words.js";
import { avatar, presenceWords } from "./avatar.js";

/** @import { Address, Buddy, Question } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

export class Person {
  #header = byId("person");
  #panels = byId("panels");
  #details = byId("person-details-panel");
  #link;
  #onError;
  #shown = "";

  /**
   * @param {BackgroundLink} link
   * @param {(error: unknown) => void} onError
   */
  constructor(link, onError) {
    this.#link = link;
    this.#onError = onError;
  }

  /**
   * @param {Address} address
   * @param {string} name
   * @param {Buddy | undefined} buddy
   */
  show(address, name, buddy) {
    const drawn = JSON.stringify([address, name, buddy]);
    if (drawn === this.#shown) {
      return;
    }
    this.#shown = drawn;
    const isBuddy = buddy?.consent === "buddy";
    const status = isBuddy ? buddy.status : "offline";
    const presence = isBuddy ? presenceWords(status, buddy.note) : "";
    const trust = trustWords(buddy?.trust);
    byId("person-avatar").replaceChildren(avatar(name, status));
    byId("person-name").replaceChildren(bdi(name));
    byId("person-address").replaceChildren(name === address ? "" : bdi(address));
    const said = byId("person-presence");
    fill(said, presence && bdi(presence));
    said.dataset.status = isBuddy ? status : "unknown";
    const seal = byId("person-trust");
    seal.replaceChildren(icon(trust.icon), trust.words);
    seal.dataset.trust = buddy?.trust ?? "none";
    this.#header.hidden = false;
    this.#panels.replaceChildren(...panels(address, name, buddy, this.#act));
    this.#details.replaceChildren(...this.#detailNodes(address, name, buddy, trust.long));
  }

  /** @type {Act} */
  #act = (method, params) => {
    this.#link.call(method, params).catch(this.#onError);
  };

  /**
   * @param {Address} address
   * @param {string} name
   * @param {Buddy | undefined} buddy
   * @param {string} trust
   */
  #detailNodes(address, name, buddy, trust) {
    const close = () => this.#details.hidePopover();
    /**
     * @param {string} id
     * @param {string} text
     * @param {Parameters<Act>} call
     */
    const action = (id, text, ...call) =>
      button(id, text, () => {
        close();
        this.#act(...call);
      });
    return [
      el("h2", {}, bdi(name)),
      el("p", {}, bdi(address)),
      el("p", {}, trust),
      ...(buddy?.fingerprint ? [el("p", {}, t("theirFingerprint", name), " ", fingerprint(buddy.fingerprint))] : []),
      el(
        "p",
        { class: "actions" },
        buddy?.fingerprint &&
          buddy.trust === "unverified" &&
          !buddy.question &&
          action("confirm-key", t("confirmKey"), "buddies/accept", { address, fingerprint: buddy.fingerprint }),
        buddy?.consent === "buddy" && action("remove-buddy", t("removeBuddy"), "buddies/remove", { address }),
        buddy && buddy.consent !== "blocked" && action("block", t("block"), "buddies/block", { address }),
      ),
    ];
  }
}

/**
 * @callback Act
 * @param {"buddies/add" | "buddies/accept" | "buddies/block" | "buddies/remove"} method
 * @param {{address: Address, fingerprint?: string}} params
 */

/**
 * @param {Address} address
 * @param {string} name
 * @param {Buddy | undefined} buddy
 * @param {Act} act
 */
function panels(address, name, buddy, act) {
  const shown = [];
  if (!buddy) {
    shown.push(
      panel(
        "stranger-panel",
        [el("p", {}, t("strangerText", name))],
        [button("add-buddy", t("addBuddy"), () => act("buddies/add", { address }), "primary")],
      ),
    );
  } else if (buddy.consent === "request") {
    shown.push(
      panel(
        "request-panel",
        [el("p", { class: "notice-title" }, t("requestTitle", name)), el("p", {}, t("requestText"))],
        [
          button("accept-request", t("accept"), () => act("buddies/accept", { address }), "primary"),
          button("block-request", t("block"), () => act("buddies/block", { address })),
        ],
      ),
    );
  } else if (buddy.consent === "blocked") {
    shown.push(
      panel(
        "blocked-panel",
        [
          el("p", {}, t("blockedText", name)),
          ...(buddy.trust === "pinned" ? [el("p", {}, t("blockedPinnedText"))] : []),
        ],
        [
          // Whoever is only let go is a stranger again, and asks first.
          button("unblock", t("unblock"), () => act("buddies/remove", { address })),
          button("add-blocked", t("addBuddy"), () => act("buddies/add", { address })),
        ],
      ),
    );
  }
  if (buddy?.question) {
    shown.push(questionPanel(address, name, buddy.question, act));
  }
  return shown;
}

/**
 * @param {Address} address
 * @param {string} name
 * @param {Question} question
 * @param {Act} act
 */
function questionPanel(address, name, { kind, candidates }, act) {
  const changed = kind === "changed";
  return panel("question-panel", [
    el(
      "p",
      { class: "notice-title" },
      icon("attention"),
      changed ? t("questionChanged", name) : t("questionSeveral", name),
    ),
    el("p", {}, t(changed ? "questionChangedText" : "questionSeveralText", name)),
    el(
      "ul",
      { class: "candidates" },
      ...candidates.map((candidate, index) =>
        el(
          "li",
          { "data-fingerprint": candidate.fingerprint, "data-trust": candidate.trust },
          el("span", { id: `candidate-${index}` }, fingerprint(candidate.fingerprint)),
          el("span", {}, keyWords(candidate.trust)),
          el(
            "button",
            {
              type: "button",
              class: "use-key",
              "aria-describedby": `candidate-${index}`,
              onclick: () => act("buddies/accept", { address, fingerprint: candidate.fingerprint }),
            },
            t("useKey"),
          ),
        ),
      ),
    ),
  ]);
}

/**
 * @param {string} id
 * @param {HTMLElement[]} content
 * @param {HTMLElement[]} [actions]
 */
function panel(id, content, actions = []) {
  return el(
    "section",
    { id, class: "panel" },
    ...content,
    actions.length > 0 && el("p", { class: "actions" }, ...actions),
  );
}

/**
 * @param {string} id
 * @param {string} text
 * @param {() => void} onclick
 * @param {string} [kind]
 */
function button(id, text, onclick, kind = "") {
  return el("button", { type: "button", id, class: kind, onclick }, text);
}
