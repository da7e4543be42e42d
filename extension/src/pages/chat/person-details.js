/**
 * The panel on the person of the open conversation: how their key is known, its digits, and what can be done about
 * both.
 */

import { t } from "../../i18n.js";
import { bdi, byId, el } from "../dom.js";
import { fingerprint } from "../fingerprint.js";
import { knownWords, trustWords } from "../words.js";
import { actions, button } from "./person-panels.js";

/** @import { Address, Buddy } from "../../protocol.js" */
/** @import { Act } from "./person-panels.js" */

export class PersonDetails {
  #panel = byId("person-details-panel");
  #act;
  #onCompare;

  /**
   * @param {Act} act
   * @param {() => void} onCompare opens the dialog for this person
   */
  constructor(act, onCompare) {
    this.#act = act;
    this.#onCompare = onCompare;
  }

  /**
   * @param {Address} address
   * @param {string} name
   * @param {Buddy | undefined} buddy
   */
  show(address, name, buddy) {
    const isBuddy = buddy?.consent === "buddy";
    const digits = buddy?.key;
    this.#panel.replaceChildren(
      el("h2", {}, bdi(name)),
      el("p", {}, bdi(address)),
      ...trustLines(address, buddy),
      ...(digits ? [el("p", {}, t("theirFingerprint", name), " ", fingerprint(digits))] : []),
      actions(
        digits && button("compare", t("compareOpen"), this.#onCompare),
        isBuddy &&
          buddy.fingerprint &&
          buddy.trust === "unverified" &&
          !buddy.question &&
          this.#action("confirm-key", t("confirmKey"), "buddies/accept", {
            address,
            fingerprint: buddy.fingerprint,
          }),
        isBuddy &&
          buddy.trust === "unverified" &&
          !buddy.invitation &&
          this.#action("invite", t("inviteByMail"), "addon/invite", { address }),
        isBuddy && this.#action("remove-buddy", t("removeBuddy"), "buddies/remove", { address }),
        buddy && buddy.consent !== "blocked" && this.#action("block", t("block"), "buddies/block", { address }),
      ),
    );
  }

  /**
   * @param {string} id
   * @param {string} text
   * @param {Parameters<Act>} call
   */
  #action(id, text, ...call) {
    return button(id, text, () => {
      this.#panel.hidePopover();
      this.#act(...call);
    });
  }
}

/**
 * What the user can rely on, in a sentence or two.
 * @param {Address} address
 * @param {Buddy | undefined} buddy
 */
function trustLines(address, buddy) {
  const sealed = buddy?.trust && buddy.trust !== "plain";
  return buddy?.known && sealed
    ? [el("p", {}, t("sealedLong")), el("p", { id: "known" }, knownWords(buddy.known, address))]
    : [el("p", {}, trustWords(buddy?.trust).long)];
}
