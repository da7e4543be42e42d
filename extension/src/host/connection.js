/**
 * The connection to the host program: connects, says hello, notices why it ended, and tries again by itself. It has no
 * clock and no browser of its own: both are handed in, so that the tests run it in virtual time.
 */

import { Rpc, RpcError } from "../rpc.js";
import { delay } from "./backoff.js";

/** @import { HostState } from "../addon-protocol.js" */
/** @import { Methods, Welcome } from "../protocol.js" */

/** The name of the native-messaging manifest that `corella install` writes. */
export const APPLICATION = "org.p2p_sip.corella";

/** The version of the protocol this add-on speaks (`hello`). */
export const PROTOCOL = 1;

/** A host that does not answer `hello` for so long is hung. */
export const HELLO_TIMEOUT_MS = 15_000;

/** A connection that lasted so long was a good one: the next loss starts again with the shortest wait. */
export const STABLE_MS = 10_000;

/** What Thunderbird says when there is no manifest for us; a host that cannot be started says something else. */
const NOT_INSTALLED = /no such native application|does not have permission to use native application/i;

/**
 * @typedef {object} Surroundings
 * @property {() => messenger.runtime.Port} connect opens the native port
 * @property {string} version the add-on's
 * @property {string} profile the random id of this Thunderbird profile
 * @property {(state: HostState) => void} onState
 * @property {(welcome: Welcome) => void} onReady the host has answered `hello`
 * @property {(method: string, params: any) => void} onNotification
 * @property {(callback: () => void, ms: number) => number} [setTimer]
 * @property {(timer: number) => void} [clearTimer]
 * @property {() => number} [now] milliseconds
 * @property {() => number} [random]
 */

export class HostConnection {
  /** @type {HostState} */
  state = { kind: "connecting" };

  /** @type {Rpc<Methods> | null} */
  #rpc = null;
  /** @type {messenger.runtime.Port | null} */
  #port = null;
  #attempt = 0;
  #readySince = 0;
  /** @type {number | null} */
  #retry = null;
  /** @type {number | null} */
  #helloTimer = null;
  #stopped = false;
  #with;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = {
      setTimer: (/** @type {() => void} */ callback, /** @type {number} */ ms) => Number(setTimeout(callback, ms)),
      clearTimer: (/** @type {number} */ timer) => clearTimeout(timer),
      now: () => Date.now(),
      random: Math.random,
      ...surroundings,
    };
  }

  /** Tries now, unless a try is under way or the connection stands. */
  connect() {
    if (this.#port || this.#stopped) {
      return;
    }
    if (this.#retry !== null) {
      this.#with.clearTimer(this.#retry);
      this.#retry = null;
    }
    /** @type {messenger.runtime.Port} */
    let port;
    try {
      port = this.#with.connect();
    } catch (error) {
      this.#lost({ kind: NOT_INSTALLED.test(String(error)) ? "missing" : "crashed" });
      return;
    }
    /** @type {Rpc<Methods>} */
    const rpc = new Rpc((message) => port.postMessage(message), { onNotification: this.#with.onNotification });
    this.#port = port;
    this.#rpc = rpc;
    port.onMessage.addListener((message) => rpc.receive(message));
    port.onDisconnect.addListener(() => {
      if (this.#port === port) {
        this.#lost({ kind: NOT_INSTALLED.test(port.error?.message ?? "") ? "missing" : "crashed" });
      }
    });
    void this.#greet(port, rpc);
  }

  /**
   * @template {keyof Methods & string} Method
   * @param {Method} method
   * @param {Methods[Method]["params"]} params
   * @returns {Promise<Methods[Method]["result"]>}
   */
  call(method, params) {
    if (this.state.kind !== "ready" || !this.#rpc) {
      return Promise.reject(new RpcError({ message: "the host is not connected", data: { name: "disconnected" } }));
    }
    return this.#rpc.call(method, params);
  }

  /** Ends the connection for good. */
  stop() {
    this.#stopped = true;
    if (this.#retry !== null) {
      this.#with.clearTimer(this.#retry);
    }
    this.#drop();
  }

  /**
   * @param {messenger.runtime.Port} port
   * @param {Rpc<Methods>} rpc
   */
  async #greet(port, rpc) {
    const { version, profile } = this.#with;
    this.#helloTimer = this.#with.setTimer(() => {
      if (this.#port === port) {
        this.#lost({ kind: "crashed" });
      }
    }, HELLO_TIMEOUT_MS);
    try {
      const welcome = await rpc.call("hello", { client: "corella-addon", version, profile });
      if (this.#port !== port) {
        return;
      }
      if (welcome.protocol !== PROTOCOL) {
        const kind = welcome.protocol < PROTOCOL ? "too-old" : "too-new";
        this.#lost({ kind, host: welcome.version, addon: version });
        return;
      }
      this.#clearHelloTimer();
      this.#readySince = this.#with.now();
      this.#enter({ kind: "ready", host: welcome.version });
      this.#with.onReady(welcome);
    } catch (error) {
      if (this.#port === port && error instanceof RpcError && error.name !== "disconnected") {
        this.#lost(refusal(error, version));
      }
    }
  }

  /**
   * The connection ended or never came to be: say why, and try again later.
   * @param {HostState} state
   */
  #lost(state) {
    this.#drop();
    if (this.state.kind === "ready" && this.#with.now() - this.#readySince >= STABLE_MS) {
      this.#attempt = 0;
    }
    this.#enter(state);
    if (!this.#stopped) {
      this.#retry = this.#with.setTimer(
        () => {
          this.#retry = null;
          this.connect();
        },
        delay(this.#attempt++, this.#with.random),
      );
    }
  }

  #drop() {
    this.#clearHelloTimer();
    const port = this.#port;
    this.#port = null;
    this.#rpc?.close();
    this.#rpc = null;
    port?.disconnect();
  }

  #clearHelloTimer() {
    if (this.#helloTimer !== null) {
      this.#with.clearTimer(this.#helloTimer);
      this.#helloTimer = null;
    }
  }

  /** @param {HostState} state */
  #enter(state) {
    this.state = state;
    this.#with.onState(state);
  }
}

/**
 * What a refused `hello` means for the user.
 * @param {RpcError} error
 * @param {string} version the add-on's
 * @returns {HostState}
 */
function refusal(error, version) {
  if (error.name === "version-mismatch") {
    const host = String(error.data.host ?? "");
    return { kind: error.data.side === "host" ? "too-old" : "too-new", host, addon: version };
  }
  return { kind: "refused", name: error.name };
}
