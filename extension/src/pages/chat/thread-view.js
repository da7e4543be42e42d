/**
 * The messages of the open conversation: loads them in pages, keeps the place while older ones come in above, follows
 * the end while the user is there, and shows a message that was searched for.
 */

import { t } from "../../i18n.js";
import { byId, el } from "../dom.js";
import { messageView } from "./message-view.js";
import { Thread } from "./thread.js";
import { dayName, sameDay } from "./time.js";

/** @import { Message } from "../../protocol.js" */
/** @import { BackgroundLink } from "../background-link.js" */
/** @import { Context } from "./message-view.js" */

const PAGE = 50;
/** So near to an edge counts as being there, in CSS pixels. */
const NEAR_PX = 40;

/**
 * @typedef {object} Parts
 * @property {BackgroundLink} link
 * @property {(address: string) => Context} context
 * @property {() => void} onShown the user may have something new before the eyes
 * @property {(error: unknown) => void} onError
 */

export class ThreadView {
  #log = byId("messages");
  #older = byId("load-older");
  #newer = byId("jump-newest");
  #thread = new Thread();
  /** @type {string | null} */
  #with = null;
  /** Counts the conversations opened: what was asked for an earlier one is dropped when it comes. */
  #opened = 0;
  #loading = false;
  /** @type {Message[]} what came in while the first page was under way */
  #early = [];
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#older.addEventListener("click", () => void this.#loadOlder());
    this.#newer.addEventListener("click", () => this.#with && void this.open(this.#with));
    this.#log.addEventListener("scroll", () => {
      if (this.#log.scrollTop < NEAR_PX) {
        void this.#loadOlder();
      }
      if (this.#nearEnd()) {
        void this.#loadNewer();
        this.#parts.onShown();
      }
    });
  }

  /**
   * @param {string} address
   * @param {string} [around] id of a message to show, highlighted
   */
  async open(address, around) {
    if (this.#with !== address) {
      this.#reset(address);
    }
    this.#opened++;
    this.#loading = false;
    this.#early = [];
    await this.#load({ with: address, limit: PAGE, ...(around && { around }) }, ({ messages, more }) => {
      this.#reset(address);
      this.#thread.load(messages, more, !around);
      this.#newer.before(...this.#nodes(messages));
      this.#early.splice(0).forEach((message) => this.#place(message));
      this.#showEdges();
      if (around) {
        this.#highlight(around);
      } else {
        this.#toEnd();
      }
    });
    if (around) {
      await this.#loadNewer();
    }
    this.#parts.onShown();
  }

  /** Draws again: the other side is called something else now. */
  redraw() {
    this.#keepingPlace(() => {
      this.#log.replaceChildren(this.#older, ...this.#nodes(this.#thread.messages), this.#newer);
    });
  }

  /** @param {Message} message new, or in another state */
  put(message) {
    if (message.with !== this.#with) {
      return;
    }
    if (this.#loading && this.#thread.messages.length === 0) {
      this.#early.push(message);
      return;
    }
    const follow = this.#nearEnd();
    const fresh = this.#place(message);
    this.#showEdges();
    if (follow || (fresh && message.direction === "out")) {
      this.#toEnd();
    }
    this.#parts.onShown();
  }

  /** @returns {Message | undefined} the last one received, if the user has it before the eyes */
  lastSeen() {
    return this.#thread.atEnd && this.#nearEnd()
      ? this.#thread.messages.findLast(({ direction }) => direction === "in")
      : undefined;
  }

  async #loadOlder() {
    const first = this.#thread.messages[0];
    if (!first || !this.#thread.more || this.#loading) {
      return;
    }
    await this.#load({ with: first.with, before: first.id, limit: PAGE }, ({ messages, more }) => {
      const fresh = this.#thread.prepend(messages, more);
      this.#keepingPlace(() => {
        const heading = this.#older.nextElementSibling;
        const last = fresh.at(-1);
        if (last && sameDay(last.at, first.at) && heading?.matches(".day")) {
          heading.remove();
        }
        this.#older.after(...this.#nodes(fresh));
        this.#showEdges();
      });
    });
  }

  /**
   * What follows after a jump into the middle: the messages around the last one shown, of which the later half is new.
   */
  async #loadNewer() {
    const last = this.#thread.messages.at(-1);
    if (!last || this.#thread.atEnd || this.#loading) {
      return;
    }
    await this.#load({ with: last.with, around: last.id, limit: 2 * PAGE }, ({ messages }) => {
      const after = messages.slice(messages.findIndex(({ id }) => id === last.id) + 1);
      const fresh = this.#thread.append(after);
      this.#thread.atEnd = fresh.length === 0;
      this.#keepingPlace(() => {
        this.#newer.before(...this.#nodes(fresh, last));
        this.#showEdges();
      });
    });
  }

  /**
   * @param {{with: string, limit: number, before?: string, around?: string}} params
   * @param {(page: {messages: Message[], more: boolean}) => void} take not called if another conversation was
   *   opened meanwhile
   */
  async #load(params, take) {
    const opened = this.#opened;
    this.#loading = true;
    this.#log.setAttribute("aria-busy", "true");
    try {
      const page = await this.#parts.link.call("messages/list", params);
      if (opened === this.#opened) {
        take(page);
      }
    } catch (error) {
      if (opened === this.#opened) {
        this.#parts.onError(error);
      }
    } finally {
      if (opened === this.#opened) {
        this.#loading = false;
        this.#log.removeAttribute("aria-busy");
        this.#showEdges();
      }
    }
  }

  /** @param {string} address */
  #reset(address) {
    this.#with = address;
    this.#thread = new Thread();
    this.#log.replaceChildren(this.#older, this.#newer);
    this.#showEdges();
  }

  /**
   * @param {Message} message
   * @returns {boolean} whether it was not there before
   */
  #place(message) {
    const place = this.#thread.put(message);
    if (!place) {
      return false;
    }
    if (!place.fresh) {
      this.#element(message.id)?.replaceWith(this.#view(message));
      return false;
    }
    const before = this.#thread.messages[place.index - 1];
    const after = this.#thread.messages[place.index + 1];
    const next = (after && this.#element(after.id)) || this.#newer;
    // Where the day's heading stands already, it stands right before the next message.
    const headed = after && sameDay(after.at, message.at) && !(before && sameDay(before.at, message.at));
    next.before(...(headed ? [this.#view(message)] : this.#nodes([message], before)));
    return true;
  }

  /**
   * @param {Message[]} messages
   * @param {Message} [before] the one above
   * @returns {HTMLElement[]} with a heading where a day begins
   */
  #nodes(messages, before) {
    const now = Date.now();
    return messages.flatMap((message, index) => {
      const above = index > 0 ? messages[index - 1] : before;
      const heading =
        above && sameDay(above.at, message.at) ? [] : [el("h2", { class: "day" }, dayName(message.at, now))];
      return [...heading, this.#view(message)];
    });
  }

  #showEdges() {
    this.#older.hidden = !this.#thread.more;
    this.#newer.hidden = this.#thread.atEnd;
    byId("no-messages").hidden = this.#thread.messages.length > 0 || this.#loading;
  }

  /** @param {Message} message */
  #view(message) {
    return messageView(message, this.#parts.context(message.with));
  }

  /** @param {string} id */
  #element(id) {
    return [...this.#log.querySelectorAll("article")].find(({ dataset }) => dataset.id === id);
  }

  /** @param {string} id */
  #highlight(id) {
    const element = this.#element(id);
    if (element) {
      element.classList.add("found");
      element.classList.remove("clamped");
      element.setAttribute("aria-description", t("foundMessage"));
      element.scrollIntoView({ block: "center" });
      element.focus({ preventScroll: true });
    }
  }

  #nearEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_PX;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /**
   * Keeps what the user reads where it is, whatever comes in above it.
   * @param {() => void} change
   */
  #keepingPlace(change) {
    const anchor = [...this.#log.querySelectorAll("article")].find(
      (article) => article.offsetTop + article.offsetHeight > this.#log.scrollTop,
    );
    const offset = anchor ? anchor.offsetTop - this.#log.scrollTop : 0;
    change();
    const now = anchor?.dataset.id ? this.#element(anchor.dataset.id) : null;
    if (now) {
      this.#log.scrollTop = now.offsetTop - offset;
    }
  }
}
