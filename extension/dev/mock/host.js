/**
 * A host that follows a script: the methods of PROTOCOL.md on data in memory. What a real host decides (delivery,
 * trust) it leaves to whoever drives it, through `put` and `tell`.
 */

import { MockAuthorities } from "./authorities.js";
import { Failure } from "./failure.js";
import * as invitations from "./invitations.js";
import { portPair } from "./port.js";

/** @import { Authority, Buddy, Identity, Message, Methods, Notifications, Status } from "../../src/protocol.js" */

/**
 * @typedef {object} Script
 * @property {"ready" | "missing" | "too-old" | "too-new" | "crashing" | "in-use"} [mode]
 * @property {string[]} [addresses]
 * @property {Buddy[]} [buddies]
 * @property {Message[]} [messages] oldest first
 * @property {Partial<Status>} [status]
 * @property {Kept} [kept]
 * @property {Authority[]} [authorities]
 */

/**
 * What other devices of the user keep in the network.
 * @typedef {object} Kept
 * @property {string} secret
 * @property {number} devices
 * @property {Buddy[]} buddies
 * @property {boolean} [portable] whether the identity is kept, too
 */

export const VERSION = "0.1.0";
/** Few in a page, so that the list is put together from several. */
const CONVERSATIONS = 3;
/** The key of the first own address. */
export const OWN_KEY = "a11ce0".repeat(10) + "a11c";
const SHORTEST_SECRET = 12;
const SHORTEST_FOR_IDENTITY = 16;

export class MockHost {
  mode;
  addresses;
  /** @type {Map<string, Buddy>} */
  buddies;
  messages;
  status;
  /** @type {{method: string, params: any}[]} every call, in order */
  calls = [];
  /** @type {Methods["messages/search"]["result"] | null} what a search gives, whatever was asked */
  answerSearch = null;
  /** @type {Promise<void> | null} what every answer waits for */
  pause = null;
  /** @type {Set<string>} own addresses whose buddy list this device keeps for others */
  roaming = new Set();
  /** @type {Set<string>} own addresses whose identity is kept with it */
  portable = new Set();
  /** Settings that are kept for other devices, as it was told or another device set them. @type {Record<string, string>} */
  settings = {};
  /** What is otherwise than usual about own addresses. @type {Map<string, Partial<Identity>>} */
  certificates = new Map();
  authorities;
  /** How often it was started. */
  starts = 0;
  /** @type {import("./port.js").MockPort | null} */
  #port = null;
  #sequence = 1000;

  /** @param {Script} script */
  constructor({
    mode = "ready",
    addresses = ["alice@example.test"],
    buddies = [],
    messages = [],
    status = {},
    kept,
    authorities = [],
  }) {
    this.authorities = new MockAuthorities(authorities);
    this.mode = mode;
    this.addresses = addresses;
    this.buddies = new Map(buddies.map((buddy) => [buddy.address, buddy]));
    this.messages = messages;
    this.status = status;
    this.kept = kept;
  }

  /** @returns {messenger.runtime.Port} */
  connect() {
    this.starts++;
    const [addon, host] = portPair("org.p2p_sip.corella");
    if (this.mode === "missing") {
      host.end("No such native application org.p2p_sip.corella");
    } else if (this.mode === "crashing") {
      host.end(null);
    }
    this.#port = host;
    host.onMessage.addListener((message) => void this.#receive(host, /** @type {any} */ (message)));
    return addon;
  }

  /** The host dies. */
  kill() {
    this.#port?.end(null);
    this.#port = null;
  }

  /**
   * @template {keyof Notifications} Name
   * @param {Name} method
   * @param {Notifications[Name]} params
   */
  tell(method, params) {
    if (this.#port?.other) {
      this.#port.postMessage({ jsonrpc: "2.0", method, params });
    }
  }

  /**
   * An own address has another certificate, or one is further on its way.
   * @param {string} address
   * @param {Partial<Identity>} changes
   */
  certify(address, changes) {
    this.certificates.set(address, changes);
    this.tell("identity/changed", { identity: this.#identity(address) });
  }

  /**
   * A buddy is new or changes.
   * @param {string} address
   * @param {Partial<Buddy>} changes
   * @returns {Buddy}
   */
  putBuddy(address, changes) {
    const buddy = {
      address,
      consent: /** @type {const} */ ("buddy"),
      status: /** @type {const} */ ("offline"),
      unread: 0,
      ...this.buddies.get(address),
      ...changes,
    };
    this.buddies.set(address, buddy);
    this.tell("buddies/changed", { address, buddy });
    return buddy;
  }

  /**
   * A message is new or changes.
   * @param {Partial<Message> & {with: string}} changes
   * @returns {Message}
   */
  put(changes) {
    const known = this.messages.findIndex((message) => message.with === changes.with && message.id === changes.id);
    const sequence = this.#sequence++;
    const message = {
      id: `m${sequence}`,
      own: this.addresses[0] ?? "",
      direction: /** @type {const} */ ("in"),
      text: "",
      at: Date.now(),
      sequence,
      state: /** @type {const} */ ("received"),
      trust: /** @type {const} */ ("unverified"),
      sealed: true,
      request: false,
      ...this.messages[known],
      ...changes,
    };
    if (known >= 0) {
      this.messages[known] = message;
    } else {
      this.messages.push(message);
      const buddy = this.buddies.get(message.with);
      if (buddy && message.direction === "in") {
        this.putBuddy(buddy.address, { unread: buddy.unread + 1 });
      }
    }
    this.tell("messages/changed", { message });
    return message;
  }

  /** @returns {Status} */
  statusNow() {
    const online = this.addresses.length > 0;
    return {
      version: VERSION,
      online,
      peer: online ? "12D3KooW" : "",
      listen: [],
      peers: 3,
      sip: [],
      addresses: this.addresses,
      presence: "online",
      ...this.status,
    };
  }

  /**
   * @param {import("./port.js").MockPort} port
   * @param {{id: number, method: keyof Methods, params: any}} request
   */
  async #receive(port, { id, method, params }) {
    this.calls.push({ method, params });
    if (this.pause) {
      await this.pause;
    }
    let answer;
    try {
      answer = { result: this.#answer(method, params) };
    } catch (error) {
      const { code, message, data } =
        error instanceof Failure ? error : new Failure("internal", -32603, { detail: String(error) });
      answer = { error: { code, message, data } };
    }
    if (port.other) {
      port.postMessage({ jsonrpc: "2.0", id, ...answer });
    }
  }

  /**
   * @param {keyof Methods} method
   * @param {any} params
   * @returns {object}
   */
  #answer(method, params) {
    switch (method) {
      case "hello":
        return this.#hello(params);
      case "status":
        return this.statusNow();
      case "identity/list":
        return { identities: this.addresses.map((address) => this.#identity(address)) };
      case "identity/enrol":
        this.addresses = [...new Set([...this.addresses, params.address])];
        if (this.certificates.get(params.address)?.revoked) {
          this.certify(params.address, {});
        }
        setTimeout(() => this.tell("status/changed", this.statusNow()), 0);
        return this.#identity(params.address);
      case "identity/revoke":
        this.certify(params.address, { fingerprint: "e0".repeat(32), key: "e1".repeat(32) });
        return this.#identity(params.address);
      case "identity/importFile":
        if (params.passphrase !== "right") {
          throw new Failure("wrong-passphrase", 19);
        }
        if (params.file !== btoa("a certificate")) {
          throw new Failure("bad-certificate", 12, { detail: "other-address" });
        }
        this.addresses = [...new Set([...this.addresses, params.address])];
        this.certify(params.address, { trust: "verified", issuer: "Example" });
        setTimeout(() => this.tell("status/changed", this.statusNow()), 0);
        return this.#identity(params.address);
      case "identity/export":
        if ([...params.passphrase].length < SHORTEST_SECRET) {
          throw new Failure("short-secret", 15, { least: SHORTEST_SECRET });
        }
        return { file: btoa(`a backup of ${params.address}`) };
      case "identity/fetch":
        return this.#fetch(params);
      case "identity/letter":
        return { taken: false };
      case "authorities/list":
        return this.authorities.list();
      case "authorities/inspect":
        return this.authorities.inspect(params);
      case "authorities/add":
        return this.authorities.add(params);
      case "authorities/remove":
        return this.authorities.remove(params);
      case "invitations/write":
        return invitations.write(this, params);
      case "invitations/read":
        return invitations.read(this, params);
      case "invitations/accept":
        return invitations.accept(this, params);
      case "invitations/decline":
        return invitations.decline(this, params);
      case "roaming/open":
        return this.#open(params);
      case "roaming/close":
        this.roaming.delete(params.address ?? this.addresses[0]);
        this.portable.delete(params.address ?? this.addresses[0]);
        return {};
      case "messages/send":
        return this.#send(params);
      case "messages/list":
        return this.#list(params);
      case "messages/conversations":
        return this.#conversations(params);
      case "messages/search":
        return this.answerSearch ?? this.#search(params);
      case "messages/markRead":
        if (this.buddies.has(params.with)) {
          this.putBuddy(params.with, { unread: 0 });
        }
        return {};
      case "messages/retry":
        return this.put({ ...this.#message(params.with, params.id), state: "pending", reason: undefined });
      case "buddies/list":
        return { buddies: [...this.buddies.values()] };
      case "buddies/add":
      case "buddies/accept":
        return this.#accept(params);
      case "buddies/block":
        return this.putBuddy(params.address, { consent: "blocked", unread: 0 });
      case "buddies/remove":
        return this.#remove(params);
      case "presence/set":
        this.status = { ...this.status, presence: params.status, note: params.note };
        this.tell("status/changed", this.statusNow());
        return {};
      case "settings/list":
        return { settings: this.settings };
      case "settings/set":
        if (this.roaming.size > 0) {
          this.settings = { ...this.settings, [params.name]: params.value };
        }
        return {};
      default:
        throw new Failure("unknown-method", -32601);
    }
  }

  /** @param {Methods["hello"]["params"]} params */
  #hello({ version }) {
    if (this.mode === "too-old" || this.mode === "too-new") {
      const side = this.mode === "too-old" ? "host" : "addon";
      throw new Failure("version-mismatch", 2, { side, addon: version, host: side === "host" ? "0.0.9" : "0.2.0" });
    }
    if (this.mode === "in-use") {
      throw new Failure("in-use", 11);
    }
    return { version: VERSION, protocol: 1, addresses: this.addresses };
  }

  /** @param {Methods["roaming/open"]["params"]} params */
  #open({ address = this.addresses[0] ?? "", secret, create = false, credential = false }) {
    const least = credential ? SHORTEST_FOR_IDENTITY : SHORTEST_SECRET;
    if ([...secret].length < least) {
      throw new Failure("short-secret", 15, { least });
    }
    if (!this.statusNow().online) {
      throw new Failure("not-online", 17);
    }
    const found = this.kept?.secret === secret ? this.kept : null;
    if (!found && !create) {
      throw new Failure("wrong-secret", 16);
    }
    this.roaming.add(address);
    if (credential || found?.portable) {
      this.portable.add(address);
    }
    for (const buddy of found?.buddies ?? []) {
      this.putBuddy(buddy.address, buddy);
    }
    const people = [...this.buddies.values()].filter(({ consent }) => consent !== "request").length;
    return { address, devices: found?.devices ?? 0, people };
  }

  /** @param {Methods["identity/fetch"]["params"]} params */
  #fetch({ address, secret }) {
    if ([...secret].length < SHORTEST_FOR_IDENTITY) {
      throw new Failure("short-secret", 15, { least: SHORTEST_FOR_IDENTITY });
    }
    if (this.kept?.secret !== secret) {
      throw new Failure("wrong-secret", 16);
    }
    if (!this.kept.portable) {
      throw new Failure("wrong-secret", 16, { detail: "no-identity" });
    }
    this.addresses = [...new Set([...this.addresses, address])];
    this.roaming.add(address);
    this.portable.add(address);
    setTimeout(() => this.tell("status/changed", this.statusNow()), 0);
    return this.#identity(address);
  }

  /** @param {Methods["messages/send"]["params"]} params */
  #send({ to, text }) {
    const consent = this.buddies.get(to)?.consent;
    if (consent === "blocked") {
      throw new Failure("blocked", 6);
    }
    if (text.trim() === "" || new TextEncoder().encode(text).length > 32_768) {
      throw new Failure("bad-text", 7);
    }
    if (consent !== "buddy") {
      this.putBuddy(to, { consent: "buddy" });
    }
    const { id, state } = this.put({ with: to, text, direction: "out", state: "pending" });
    return { id, state };
  }

  /** @param {Methods["messages/list"]["params"]} params */
  #list({ with: address, before, around, limit = 50 }) {
    const all = this.messages.filter((message) => message.with === address);
    const at = (/** @type {string} */ id) => all.indexOf(this.#message(address, id));
    const end = before ? at(before) : around ? Math.min(all.length, at(around) + Math.ceil(limit / 2)) : all.length;
    const start = Math.max(0, end - limit);
    return { messages: all.slice(start, end), more: start > 0 };
  }

  /** @param {Methods["messages/conversations"]["params"]} params */
  #conversations({ after }) {
    const last = new Map(this.messages.map((message) => [message.with, message]));
    const all = [...last].map(([address, message]) => ({
      with: address,
      last: message,
      unread: this.buddies.get(address)?.unread ?? 0,
    }));
    const rest = all.slice(after === undefined ? 0 : all.findIndex((one) => one.with === after) + 1);
    return { conversations: rest.slice(0, CONVERSATIONS), more: rest.length > CONVERSATIONS };
  }

  /** @param {Methods["messages/search"]["params"]} params */
  #search({ query, limit = 50, cursor = "0" }) {
    if (/^before:(?!\d{4}-\d\d-\d\d$)/.test(query)) {
      throw new Failure("bad-query", 9, { detail: query });
    }
    const words = query.toLowerCase().split(/\s+/);
    const hits = this.messages
      .filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)))
      .map((message) => ({
        id: message.id,
        with: message.with,
        direction: message.direction,
        at: message.at,
        snippet: message.text.slice(0, 200),
        marks: words.flatMap((word) => {
          const start = message.text.slice(0, 200).toLowerCase().indexOf(word);
          return start < 0 ? [] : [[start, start + word.length]];
        }),
      }));
    const from = Number(cursor);
    const next = from + limit < hits.length ? { cursor: String(from + limit) } : {};
    return { total: hits.length, hits: hits.slice(from, from + limit), ...next };
  }

  /** @param {Methods["buddies/accept"]["params"]} params */
  #accept({ address, fingerprint }) {
    const buddy = this.putBuddy(address, { consent: "buddy", ...(fingerprint && this.#pinned(address, fingerprint)) });
    for (const message of this.messages.filter((candidate) => candidate.with === address && candidate.request)) {
      this.put({ ...message, request: false });
    }
    return buddy;
  }

  /**
   * @param {string} address
   * @param {string} fingerprint
   * @returns {Partial<Buddy>}
   */
  #pinned(address, fingerprint) {
    const before = this.buddies.get(address);
    const key = before?.question?.candidates.find((one) => one.fingerprint === fingerprint)?.key ?? before?.key;
    const known = { how: /** @type {const} */ ("fingerprint"), since: Date.now() };
    return { fingerprint, key, known, trust: "pinned", question: undefined };
  }

  /** @param {Methods["buddies/remove"]["params"]} params */
  #remove({ address }) {
    const buddy = this.buddies.get(address);
    if (!buddy) {
      throw new Failure("unknown-buddy", 5);
    }
    this.buddies.delete(address);
    this.tell("buddies/changed", { address });
    return buddy;
  }

  /**
   * @param {string} address
   * @returns {Identity}
   */
  #identity(address) {
    return {
      address,
      fingerprint: "0f".repeat(32),
      key: address.startsWith("alice@") ? OWN_KEY : "a1".repeat(32),
      issuer: "self",
      trust: "unverified",
      expires: 4e12,
      peer: "12D3KooW",
      roaming: this.roaming.has(address),
      portable: this.portable.has(address),
      revoked: false,
      ...this.certificates.get(address),
    };
  }

  /**
   * @param {string} address
   * @param {string} id
   */
  #message(address, id) {
    const message = this.messages.find((candidate) => candidate.with === address && candidate.id === id);
    if (!message) {
      throw new Failure("unknown-message", 8);
    }
    return message;
  }
}
