/**
 * Beginning a conversation: an address is typed, or a contact chosen from the address book by name (a combo box with
 * a list box below, as the ARIA Authoring Practices describe it).
 */

import { canonical } from "../../address.js";
import { t } from "../../i18n.js";
import { bdi, byId, byIdAs, el } from "../dom.js";

/** @import { Contact } from "../../addon-protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */

const LIMIT = 8;

export class NewChat {
  #panel = byId("new-chat-panel");
  #form = byIdAs("new-chat-form", HTMLFormElement);
  #input = byIdAs("new-chat-address", HTMLInputElement);
  #list = byId("new-chat-contacts");
  #problem = byId("new-chat-problem");
  /** @type {Contact[]} */
  #contacts = [];
  #active = -1;
  #asked = 0;
  #link;
  #onChosen;
  #onInvite;

  /**
   * @param {BackgroundLink} link
   * @param {(address: string) => void} onChosen
   * @param {(address: string) => void} onInvite the person is to get an invitation by mail
   */
  constructor(link, onChosen, onInvite) {
    this.#link = link;
    this.#onChosen = onChosen;
    this.#onInvite = onInvite;
    this.#panel.addEventListener("beforetoggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") {
        this.#input.value = "";
        this.#problem.hidden = true;
        this.#show([]);
      }
    });
    this.#input.addEventListener("input", () => void this.#suggest());
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#choose(this.#entered(), this.#onChosen);
    });
    byId("new-chat-invite").addEventListener("click", () => this.#choose(this.#entered(), this.#onInvite));
    this.#list.addEventListener("click", (event) => {
      const item = event.target instanceof Element ? event.target.closest("[role=option]") : null;
      if (item instanceof HTMLElement) {
        this.#choose(item.dataset.address ?? null, this.#onChosen);
      }
    });
  }

  async #suggest() {
    const asked = ++this.#asked;
    this.#problem.hidden = true;
    const { contacts } = await this.#link
      .call("addon/contacts", { text: this.#input.value, limit: LIMIT })
      .catch(() => ({ contacts: [] }));
    if (asked === this.#asked) {
      this.#show(contacts);
    }
  }

  /** @param {Contact[]} contacts */
  #show(contacts) {
    this.#contacts = contacts;
    this.#list.replaceChildren(
      ...contacts.map(({ address, name }, index) =>
        el(
          "li",
          { role: "option", id: `contact-${index}`, "data-address": address, "aria-selected": "false" },
          bdi(name),
          name !== address && bdi(address, { class: "quiet" }),
        ),
      ),
    );
    this.#list.hidden = contacts.length === 0;
    this.#input.setAttribute("aria-expanded", contacts.length > 0 ? "true" : "false");
    this.#setActive(-1);
  }

  /** @param {number} index */
  #setActive(index) {
    this.#active = index;
    [...this.#list.children].forEach((item, at) => item.setAttribute("aria-selected", at === index ? "true" : "false"));
    if (index < 0) {
      this.#input.removeAttribute("aria-activedescendant");
    } else {
      this.#input.setAttribute("aria-activedescendant", `contact-${index}`);
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#contacts.length > 0) {
      event.preventDefault();
      const count = this.#contacts.length;
      this.#setActive(this.#active < 0 ? (step > 0 ? 0 : count - 1) : (this.#active + step + count) % count);
    }
  }

  /** The contact that was gone to by arrow keys, or the address that was typed. */
  #entered() {
    return this.#contacts[this.#active]?.address ?? canonical(this.#input.value);
  }

  /**
   * @param {string | null} address
   * @param {(address: string) => void} then
   */
  #choose(address, then) {
    if (!address) {
      this.#problem.textContent = t("errorInvalidAddress");
      this.#problem.hidden = false;
      this.#input.setAttribute("aria-invalid", "true");
      return;
    }
    this.#input.setAttribute("aria-invalid", "false");
    this.#panel.hidePopover();
    then(address);
  }
}
