/**
 * The Chat space, and the one chat tab: whoever wants a conversation shown (a link, a button, a notification) is
 * brought to the page that is open already, or to a new one in the space.
 */

import { fromLink } from "./address.js";
import { t } from "./i18n.js";

/** @import { AddonMethods, Target } from "./addon-protocol.js" */

const NAME = "corella";
const PAGE = "/src/pages/chat.html";

/**
 * A page that is connected to the background.
 * @typedef {object} Page
 * @property {messenger.tabs.Tab | undefined} tab
 * @property {(target: Target) => void} open
 */

/** @returns {Promise<number | null>} the space's id; null where Thunderbird has no spaces */
export async function createSpace() {
  try {
    const [existing] = await messenger.spaces.query({ isSelfOwned: true, name: NAME });
    const space =
      existing ??
      (await messenger.spaces.create(NAME, PAGE, {
        title: t("action"),
        defaultIcons: "icons/toolbar.svg",
        themeIcons: [
          { light: "icons/toolbar-light.svg", dark: "icons/toolbar.svg", size: 16 },
          { light: "icons/toolbar-light.svg", dark: "icons/toolbar.svg", size: 32 },
        ],
      }));
    return space.id;
  } catch (error) {
    console.warn("Corella: the Chat space could not be made:", error);
    return null;
  }
}

export class ChatTabs {
  /** @type {Set<Page>} chat pages that have arrived, oldest first */
  #pages = new Set();
  /** @type {Target | null} waits for the page that is being opened */
  #waiting = null;
  #space;

  /** @param {Promise<number | null>} space */
  constructor(space) {
    this.#space = space;
  }

  /**
   * Shows the chat, at a conversation if one is named.
   * @param {Target | null} target
   */
  async show(target) {
    const page = [...this.#pages][0];
    if (page?.tab?.id !== undefined) {
      await bringForward(page.tab);
      if (target) {
        page.open(target);
      }
      return;
    }
    this.#waiting = target;
    await this.#openNew();
  }

  /**
   * A chat page is there. One that a link opened gives way to the chat in the space: links would pile up tabs
   * otherwise.
   * @param {Page} page
   * @param {string | null} link
   * @returns {Promise<AddonMethods["addon/arrive"]["result"]>}
   */
  async arrive(page, link) {
    const address = link === null ? null : fromLink(link);
    if (address && page.tab?.id !== undefined && (await this.#elsewhere({ with: address }))) {
      const { id } = page.tab;
      // The answer first: a page that is gone cannot take it.
      setTimeout(() => void messenger.tabs.remove(id), 0);
      return { elsewhere: true, target: null };
    }
    this.#pages.add(page);
    const target = address ? { with: address } : this.#waiting;
    this.#waiting = null;
    return { elsewhere: false, target };
  }

  /** @param {Page} page */
  leave(page) {
    this.#pages.delete(page);
  }

  /**
   * @param {Target} target
   * @returns {Promise<boolean>} false where the target has to be shown by the page that asks
   */
  async #elsewhere(target) {
    if (this.#pages.size === 0 && (await this.#space) === null) {
      return false;
    }
    try {
      await this.show(target);
      return true;
    } catch (error) {
      this.#waiting = null;
      console.warn("Corella: the chat could not be opened in its space:", error);
      return false;
    }
  }

  async #openNew() {
    const id = await this.#space;
    if (id === null) {
      await messenger.tabs.create({ url: PAGE });
    } else {
      await messenger.spaces.open(id);
    }
  }
}

/** @param {messenger.tabs.Tab} tab */
async function bringForward(tab) {
  if (tab.windowId !== undefined) {
    await messenger.windows.update(tab.windowId, { focused: true });
  }
  if (tab.id !== undefined) {
    await messenger.tabs.update(tab.id, { active: true });
  }
}
