/**
 * The mail identities that Corella can go on line with.
 */

import { canonical } from "./address.js";

/** @import { MailIdentity } from "./addon-protocol.js" */

/**
 * @param {messenger.accounts.MailAccount[]} accounts
 * @returns {MailIdentity[]} one for each address, in the accounts' order
 */
export function mailIdentities(accounts) {
  /** @type {Map<string, MailIdentity>} */
  const found = new Map();
  for (const account of accounts) {
    for (const identity of account.identities) {
      const address = canonical(identity.email ?? "");
      if (address && !found.has(address)) {
        found.set(address, { address, name: identity.name ?? "", account: account.name });
      }
    }
  }
  return [...found.values()];
}
