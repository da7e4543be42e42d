/**
 * Connects the add-on's pages with the host: each page has a port to the background, all share the one connection.
 * What a page asks of the host is passed on; `addon/…` is answered here.
 */

import { Rpc, RpcError } from "./rpc.js";

/** @import { AddonMethods, AddonNotifications, AllNotifications, Target } from "./addon-protocol.js" */
/** @import { Methods } from "./protocol.js" */

/** The name of the pages' ports. */
export const PORT = "corella-page";

/**
 * @typedef {object} Page
 * @property {messenger.tabs.Tab | undefined} tab
 * @property {(target: Target) => void} open
 * @property {string | null} with the conversation it shows
 * @property {boolean} focused whether the user is looking at it
 */

/**
 * @typedef {{[Name in keyof AddonMethods]:
 *   (params: AddonMethods[Name]["params"], page: Page) => Promise<AddonMethods[Name]["result"]>}} Answers
 */

export class Relay {
  /** @type {Map<Page, Rpc<{}>>} */
  #pages = new Map();
  #host;
  #answers;
  #onLeave;

  /**
   * @param {(method: keyof Methods & string, params: any) => Promise<object>} host
   * @param {Answers} answers
   * @param {(page: Page) => void} onLeave
   */
  constructor(host, answers, onLeave) {
    this.#host = host;
    this.#answers = answers;
    this.#onLeave = onLeave;
  }

  /** @param {messenger.runtime.Port} port of a page of ours */
  accept(port) {
    /** @type {Rpc<{}>} */
    const rpc = new Rpc((message) => port.postMessage(message), {
      onRequest: (method, params) => this.#answer(method, params, page),
    });
    /** @type {Page} */
    const page = {
      tab: port.sender?.tab,
      open: (target) => rpc.notify("addon/open", target),
      with: null,
      focused: false,
    };
    this.#pages.set(page, rpc);
    port.onMessage.addListener((message) => rpc.receive(message));
    port.onDisconnect.addListener(() => {
      rpc.close();
      this.#pages.delete(page);
      this.#onLeave(page);
    });
  }

  /**
   * Tells all pages.
   * @template {keyof AllNotifications & string} Name
   * @param {Name} name
   * @param {AllNotifications[Name]} params
   */
  tell(name, params) {
    for (const rpc of this.#pages.values()) {
      rpc.notify(name, params);
    }
  }

  /** @param {string} address whether a page shows this conversation to the user now */
  inView(address) {
    return [...this.#pages.keys()].some((page) => page.focused && page.with === address);
  }

  /**
   * @param {string} method
   * @param {any} params
   * @param {Page} page
   * @returns {Promise<object>}
   */
  #answer(method, params, page) {
    if (Object.hasOwn(this.#answers, method)) {
      return this.#answers[/** @type {keyof AddonMethods} */ (method)](params, page);
    }
    if (method.startsWith("addon/") || method === "hello") {
      return Promise.reject(new RpcError({ code: -32601, message: method, data: { name: "unknown-method" } }));
    }
    return this.#host(/** @type {keyof Methods & string} */ (method), params);
  }
}
