/**
 * What the user has to decide about the person of the open conversation, or waits for: panels above the messages.
 */

import { t } from "../../i18n.js";
import { el, icon } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { keyWords } from "../words.js";

/** @import { Address, Buddy, Question } from "../../protocol.js" */

/**
 * @callback Act
 * @param {"buddies/add" | "buddies/accept" | "buddies/block" | "buddies/remove" | "invitations/decline" |
 *   "addon/invite" | "addon/acceptInvitation"} method
 * @param {{address: Address, fingerprint?: string}} params
 */

/**
 * @typedef {object} Person
 * @property {Address} address
 * @property {string} name
 * @property {Buddy | undefined} buddy
 * @property {Act} act
 * @property {() => void} onCompare
 */

/**
 * @param {Person} person
 * @returns {HTMLElement[]}
 */
export function panels(person) {
  const { address, name, buddy, onCompare, act } = person;
  return [
    consentPanel(person) ?? invitationPanel(person),
    buddy?.question && questionPanel(address, name, buddy.question, act, onCompare),
  ].filter((shown) => shown instanceof HTMLElement);
}

/** @param {Person} person */
function consentPanel({ address, name, buddy, act }) {
  if (!buddy) {
    return panel(
      "stranger-panel",
      [el("p", {}, t("strangerText", name))],
      [
        button("add-buddy", t("addBuddy"), () => act("buddies/add", { address }), "primary"),
        button("invite-stranger", t("inviteByMail"), () => act("addon/invite", { address })),
      ],
    );
  }
  if (buddy.consent === "request" && buddy.invitation !== "offered") {
    return panel(
      "request-panel",
      [el("p", { class: "notice-title" }, t("requestTitle", name)), el("p", {}, t("requestText"))],
      [
        button("accept-request", t("accept"), () => act("buddies/accept", { address }), "primary"),
        button("block-request", t("block"), () => act("buddies/block", { address })),
      ],
    );
  }
  if (buddy.consent === "blocked") {
    return panel(
      "blocked-panel",
      [el("p", {}, t("blockedText", name)), buddy.trust === "pinned" && el("p", {}, t("blockedPinnedText"))],
      [
        // Whoever is only let go is a stranger again, and asks first.
        button("unblock", t("unblock"), () => act("buddies/remove", { address })),
        button("add-blocked", t("addBuddy"), () => act("buddies/add", { address })),
      ],
    );
  }
  return null;
}

/** @param {Person} person a buddy, or somebody who became known by an invitation */
function invitationPanel({ address, name, buddy, act }) {
  switch (buddy?.invitation) {
    case "offered":
      return panel(
        "invitation-panel",
        [
          el(
            "p",
            { class: "notice-title" },
            name === address ? t("invitedBy", name) : t("invitedByBoth", name, address),
          ),
          el("p", {}, t("invitedText")),
        ],
        [
          button("accept-invitation", t("accept"), () => act("addon/acceptInvitation", { address }), "primary"),
          button("decline-invitation", t("notNow"), () => act("invitations/decline", { address })),
          button("block-invitation", t("block"), () => act("buddies/block", { address })),
        ],
      );
    case "answered":
      return panel(
        "answered-panel",
        [el("p", {}, t("answeredText", name)), el("p", {}, t("answeredWaiting", name))],
        [button("answer-again", t("mailAgain"), () => act("addon/acceptInvitation", { address }))],
      );
    case "sent":
      return panel(
        "invited-panel",
        [el("p", {}, t("sentText", name))],
        [button("invite-again", t("mailAgain"), () => act("addon/invite", { address }))],
      );
    default:
      return buddy && !buddy.trust && !buddy.question
        ? panel(
            "no-key-panel",
            [el("p", {}, t("noKeyText", name))],
            [button("invite-keyless", t("inviteByMail"), () => act("addon/invite", { address }))],
          )
        : null;
  }
}

/**
 * @param {Address} address
 * @param {string} name
 * @param {Question} question
 * @param {Act} act
 * @param {() => void} onCompare
 */
function questionPanel(address, name, { kind, candidates }, act, onCompare) {
  const changed = kind === "changed";
  return panel(
    "question-panel",
    [
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
            { "data-fingerprint": candidate.fingerprint, "data-key": candidate.key, "data-trust": candidate.trust },
            el("span", { id: `candidate-${index}` }, fingerprint(candidate.key)),
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
    ],
    [button("compare-candidates", t("compareOpen"), onCompare)],
  );
}

/**
 * @param {string} id
 * @param {(HTMLElement | false)[]} content
 * @param {HTMLElement[]} buttons
 */
function panel(id, content, buttons) {
  return el("section", { id, class: "panel" }, ...content, actions(...buttons));
}

/** @param {(HTMLElement | false | "" | null | undefined)[]} buttons */
export function actions(...buttons) {
  return el("p", { class: "actions" }, ...buttons);
}

/**
 * @param {string} id
 * @param {string} text
 * @param {() => void} onclick
 * @param {string} [kind]
 */
export function button(id, text, onclick, kind = "") {
  return el("button", { type: "button", id, class: kind, onclick }, text);
}
