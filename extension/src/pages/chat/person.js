/**
 * Who the open conversation is with: the heading with presence and trust, the panels above the messages, and the
 * panel on this person.
 */

import { bdi, byId, fill, icon } from "../dom.js";
import { trustWords } from "../words.js";
import { avatar, presenceWords } from "./avatar.js";
import { Compare } from "./compare.js";
import { PersonDetails } from "./person-details.js";
import { panels } from "./person-panels.js";

/** @import { Address, Buddy } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */
/** @import { Compared } from "./compare.js" */
/** @import { Act } from "./person-panels.js" */

export class Person {
  #header = byId("person");
  #panels = byId("panels");
  #details;
  #compare;
  #link;
  #onError;
  #shown = "";
  /** @type {Compared} */
  #compared = { address: "", name: "", keys: [], open: false };

  /**
   * @param {BackgroundLink} link
   * @param {(error: unknown) => void} onError
   */
  constructor(link, onError) {
    this.#link = link;
    this.#onError = onError;
    this.#compare = new Compare(link, onError);
    this.#details = new PersonDetails(this.#act, this.#onCompare);
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
    this.#panels.replaceChildren(...panels({ address, name, buddy, act: this.#act, onCompare: this.#onCompare }));
    this.#details.show(address, name, buddy);
    this.#compared = { address, name, ...comparable(buddy) };
    this.#compare.update(this.#compared);
  }

  #onCompare = () => this.#compare.open(this.#compared);

  /** @type {Act} */
  #act = (method, params) => {
    this.#link.call(method, params).catch(this.#onError);
  };
}

/**
 * The keys of a person that can be compared, and whether a comparison would decide anything.
 * @param {Buddy | undefined} buddy
 */
function comparable(buddy) {
  if (buddy?.question) {
    return { keys: buddy.question.candidates, open: true };
  }
  const { key, fingerprint = "", trust = "unverified", consent } = buddy ?? {};
  return { keys: key ? [{ key, fingerprint, trust }] : [], open: consent === "buddy" && trust === "unverified" };
}
