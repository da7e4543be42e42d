/**
 * JSON-RPC 2.0 between two ends that exchange whole messages: the background and the host (native port), a page and the
 * background (runtime port). It knows nothing of ports: it is given a `send`, and `receive` is called with what comes.
 */

/**
 * An answer that is an error. `name` is what the user is told by (native-host/PROTOCOL.md, "Errors"), or one of the
 * add-on's own: `disconnected`, `timeout`.
 */
export class RpcError extends Error {
  /**
   * @param {{code?: number, message?: string, data?: {name?: string, [key: string]: unknown}}} error
   */
  constructor({ code = -32603, message = "", data = {} }) {
    super(message || data.name || "internal");
    this.code = code;
    this.data = data ?? {};
    this.name = String(this.data.name ?? "internal");
  }

  /** The error as it travels. */
  toJSON() {
    return { code: this.code, message: this.message, data: { ...this.data, name: this.name } };
  }
}

/**
 * @template {Record<string, {params: object, result: object}>} Calls methods of the other end
 */
export class Rpc {
  #next = 1;
  /** @type {Map<number | string, {resolve: (result: any) => void, reject: (error: RpcError) => void}>} */
  #pending = new Map();
  /** @type {RpcError | null} */
  #closed = null;
  #send;
  #onNotification;
  #onRequest;

  /**
   * @param {(message: object) => void} send
   * @param {object} [handlers]
   * @param {(method: string, params: any) => void} [handlers.onNotification]
   * @param {(method: string, params: any) => Promise<object>} [handlers.onRequest]
   */
  constructor(send, { onNotification = () => {}, onRequest } = {}) {
    this.#send = send;
    this.#onNotification = onNotification;
    this.#onRequest = onRequest;
  }

  /**
   * @template {keyof Calls & string} Method
   * @param {Method} method
   * @param {Calls[Method]["params"]} params
   * @returns {Promise<Calls[Method]["result"]>} rejects with an RpcError
   */
  call(method, params) {
    if (this.#closed) {
      return Promise.reject(this.#closed);
    }
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      try {
        this.#send({ jsonrpc: "2.0", id, method, params });
      } catch (error) {
        this.#pending.delete(id);
        reject(new RpcError({ message: String(error), data: { name: "disconnected" } }));
      }
    });
  }

  /**
   * @param {string} method
   * @param {object} params
   */
  notify(method, params) {
    if (!this.#closed) {
      this.#send({ jsonrpc: "2.0", method, params });
    }
  }

  /**
   * Takes one message of the other end. What is no JSON-RPC is dropped: there is nobody to answer.
   * @param {any} message
   */
  receive(message) {
    if (typeof message !== "object" || message === null) {
      return;
    }
    if (typeof message.method === "string") {
      if (message.id === undefined) {
        this.#onNotification(message.method, message.params ?? {});
      } else {
        void this.#answer(message);
      }
      return;
    }
    const call = this.#pending.get(message.id);
    if (!call) {
      return;
    }
    this.#pending.delete(message.id);
    if (message.error) {
      call.reject(new RpcError(message.error));
    } else {
      call.resolve(message.result ?? {});
    }
  }

  /**
   * The other end is gone: every waiting call fails, and every later one.
   * @param {string} [name]
   */
  close(name = "disconnected") {
    this.#closed = new RpcError({ message: "the connection was closed", data: { name } });
    for (const { reject } of this.#pending.values()) {
      reject(this.#closed);
    }
    this.#pending.clear();
  }

  /** @param {{id: number | string, method: string, params?: object}} request */
  async #answer({ id, method, params }) {
    /** @type {{result: object} | {error: object}} */
    let answer;
    try {
      if (!this.#onRequest) {
        throw new RpcError({ code: -32601, message: "no methods here", data: { name: "unknown-method" } });
      }
      answer = { result: await this.#onRequest(method, params ?? {}) };
    } catch (error) {
      answer = { error: (error instanceof RpcError ? error : new RpcError({ message: String(error) })).toJSON() };
    }
    if (!this.#closed) {
      this.#send({ jsonrpc: "2.0", id, ...answer });
    }
  }
}
