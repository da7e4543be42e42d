/**
 * A page's line to the background: calls and notifications over a runtime port, opened again when the background was
 * put to sleep.
 */

import { PORT } from "../relay.js";
import { Rpc } from "../rpc.js";

/** @import { AllMethods, AllNotifications } from "../addon-protocol.js" */

const REOPEN_MS = 300;

export class BackgroundLink {
  /** @type {Map<string, ((params: any) => void)[]>} */
  #listeners = new Map();
  /** @type {(() => void)[]} */
  #onReopened = [];
  /** @type {Rpc<AllMethods>} */
  #rpc;

  constructor() {
    this.#rpc = this.#open();
  }

  /**
   * @template {keyof AllMethods & string} Method
   * @param {Method} method
   * @param {AllMethods[Method]["params"]} params
   * @returns {Promise<AllMethods[Method]["result"]>} rejects with an RpcError
   */
  call(method, params) {
    return this.#rpc.call(method, params);
  }

  /**
   * @template {keyof AllNotifications & string} Name
   * @param {Name} name
   * @param {(params: AllNotifications[Name]) => void} listener
   */
  on(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  /** @param {() => void} listener called when the line stands again after a break */
  onReopened(listener) {
    this.#onReopened.push(listener);
  }

  /** @returns {Rpc<AllMethods>} */
  #open() {
    const port = messenger.runtime.connect({ name: PORT });
    /** @type {Rpc<AllMethods>} */
    const rpc = new Rpc((message) => port.postMessage(message), {
      onNotification: (name, params) => {
        for (const listener of this.#listeners.get(name) ?? []) {
          listener(params);
        }
      },
    });
    port.onMessage.addListener((message) => rpc.receive(message));
    port.onDisconnect.addListener(() => {
      rpc.close();
      setTimeout(() => {
        this.#rpc = this.#open();
        this.#onReopened.forEach((listener) => listener());
      }, REOPEN_MS);
    });
    return rpc;
  }
}
