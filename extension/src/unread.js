/**
 * How many messages wait unread, shown on the Chat space and on the toolbar button.
 */

import { plural, t } from "./i18n.js";

/** @import { Address, Buddy } from "./protocol.js" */

const COLOUR = "#c8102e";

export class Unread {
  /** @type {Map<Address, number>} */
  #counts = new Map();
  #shown = -1;
  #show;

  /** @param {(total: number) => void} show called when the total changes */
  constructor(show) {
    this.#show = show;
  }

  /** @param {Buddy[]} buddies all of them */
  reset(buddies) {
    this.#counts = new Map(buddies.map((buddy) => [buddy.address, countOf(buddy)]));
    this.#update();
  }

  /**
   * @param {Address} address
   * @param {Buddy} [buddy] absent: removed
   */
  set(address, buddy) {
    this.#counts.set(address, buddy ? countOf(buddy) : 0);
    this.#update();
  }

  #update() {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    if (total !== this.#shown) {
      this.#shown = total;
      this.#show(total);
    }
  }
}

/**
 * @param {number} total
 * @returns {string} what fits on a badge
 */
export function badgeText(total) {
  return total === 0 ? "" : total > 99 ? "99+" : String(total);
}

/**
 * @param {number} total
 * @param {Promise<number | null>} space id of the Chat space
 */
export async function showOnButtons(total, space) {
  const text = badgeText(total);
  const title = total === 0 ? t("action") : plural("actionUnread", total);
  await messenger.action.setBadgeBackgroundColor({ color: COLOUR });
  await messenger.action.setBadgeText({ text: text || null });
  await messenger.action.setTitle({ title });
  const id = await space;
  if (id !== null) {
    await messenger.spaces.update(id, { badgeText: text || null, badgeBackgroundColor: COLOUR, title });
  }
}

/** @param {Buddy} buddy */
function countOf(buddy) {
  return buddy.consent === "blocked" ? 0 : Math.max(0, buddy.unread);
}
