/**
 * A key as people carry it from screen to screen: the text of a QR code. It is plain text, no link: a telephone that
 * scans it shows an address and digits, which can be compared as they are, and offers to open nothing.
 */

import { canonical } from "./address.js";

/** @import { Address } from "./protocol.js" */

const HEAD = "CORELLA KEY";
const CODE = new RegExp(`^${HEAD}\n([^\n]+)\n([0-9a-f]{4}(?: [0-9a-f]{4}){15})$`);

/**
 * @param {string} digits in hex
 * @returns {string} in groups of four, as people compare them
 */
export function grouped(digits) {
  return digits.replace(/(.{4})(?=.)/g, "$1 ");
}

/**
 * @param {Address} address
 * @param {string} key SHA-256 of the public key, 64 digits in hex
 */
export function codeText(address, key) {
  return `${HEAD}\n${address}\n${grouped(key)}`;
}

/**
 * @param {string} text of a code that somebody showed
 * @returns {{address: Address, key: string} | null} null if it is no key of Corella's
 */
export function readCode(text) {
  const [, named = "", digits = ""] = CODE.exec(text) ?? [];
  const address = canonical(named);
  return address ? { address, key: digits.replaceAll(" ", "") } : null;
}
