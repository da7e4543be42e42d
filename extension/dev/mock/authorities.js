/** The authorities that the mock host trusts. A file's content says which are in it: `MockAuthorities.file(…)`. */

import { Failure } from "./failure.js";

/** @import { Authority } from "../../src/protocol.js" */

const HEAD = "-----BEGIN CERTIFICATE-----";
const LARGEST = 262_144;

export class MockAuthorities {
  /** @type {Authority[]} */
  #trusted;

  /** @param {Authority[]} trusted */
  constructor(trusted) {
    this.#trusted = trusted;
  }

  /**
   * The text of a file.
   * @param {Partial<Authority>[]} authorities
   */
  static file(authorities) {
    return `${HEAD}\n${JSON.stringify(authorities)}`;
  }

  list() {
    return { authorities: this.#trusted };
  }

  /**
   * @param {{file: string}} params
   * @returns {{authorities: Authority[]}}
   */
  inspect({ file }) {
    const text = file.startsWith(HEAD) ? file : decoded(file);
    if (file.length > LARGEST) {
      throw new Failure("bad-certificate", 12, { detail: "too-large" });
    }
    if (!text.startsWith(HEAD)) {
      throw new Failure("bad-certificate", 12, { detail: "unreadable" });
    }
    /** @type {Authority[]} */
    const found = JSON.parse(text.slice(HEAD.length));
    if (found.length === 0) {
      throw new Failure("bad-certificate", 12, { detail: "no-authority" });
    }
    if (found.some(({ expires }) => expires < Date.now())) {
      throw new Failure("bad-certificate", 12, { detail: "expired" });
    }
    return { authorities: found.map((authority) => ({ ...authority, added: false })) };
  }

  /** @param {{file: string, fingerprint: string}} params */
  add({ file, fingerprint }) {
    const one = this.inspect({ file }).authorities.find((authority) => authority.fingerprint === fingerprint);
    if (!one) {
      throw new Failure("bad-certificate", 12, { detail: "no-authority" });
    }
    this.#trusted = [
      ...this.#trusted.filter((authority) => authority.fingerprint !== fingerprint),
      { ...one, added: true },
    ];
    return this.list();
  }

  /** @param {{fingerprint: string}} params */
  remove({ fingerprint }) {
    this.#trusted = this.#trusted.filter((authority) => !authority.added || authority.fingerprint !== fingerprint);
    return this.list();
  }
}

/** @param {string} base64 */
function decoded(base64) {
  try {
    return atob(base64);
  } catch {
    return "";
  }
}
