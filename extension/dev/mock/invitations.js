/**
 * Invitations as the mock host understands them: an attachment's content is `offer ADDRESS` or `answer ADDRESS`, and
 * stands for one that this address signed.
 */

/** @import { Buddy, InvitationMail, Methods } from "../../src/protocol.js" */
/** @import { MockHost } from "./host.js" */

/** @typedef {Methods["invitations/read"]["result"]} Reading */

/**
 * @param {MockHost} host
 * @param {Methods["invitations/write"]["params"]} params
 */
export function write(host, { to, from }) {
  host.putBuddy(to, { consent: "buddy", invitation: "sent" });
  return mail(host, "offer", to, from);
}

/**
 * @param {MockHost} host
 * @param {Methods["invitations/read"]["params"]} params
 * @returns {Reading}
 */
export function read(host, { from, content }) {
  const [, kind, author] = /^(offer|answer) (\S+)$/.exec(content) ?? [];
  if (!author) {
    return { outcome: "refused", reason: "unreadable" };
  }
  if (author !== from) {
    return { outcome: "refused", reason: "other-sender" };
  }
  const buddy = host.buddies.get(from);
  if (kind === "offer") {
    if (buddy?.invitation === "offered" || buddy?.consent === "blocked") {
      return { outcome: "known", address: from };
    }
    host.putBuddy(from, { consent: buddy?.consent ?? "request", invitation: "offered" });
    return { outcome: "offered", address: from };
  }
  if (buddy?.invitation !== "sent") {
    return buddy?.known?.how === "invitation"
      ? { outcome: "known", address: from }
      : { outcome: "refused", reason: "unknown" };
  }
  host.putBuddy(from, proven());
  return { outcome: "accepted", address: from };
}

/**
 * @param {MockHost} host
 * @param {{address: string}} params
 */
export function accept(host, { address }) {
  host.putBuddy(address, { consent: "buddy", invitation: "answered" });
  return mail(host, "answer", address);
}

/**
 * @param {MockHost} host
 * @param {{address: string}} params
 */
export function decline(host, { address }) {
  host.putBuddy(address, { invitation: undefined });
  return {};
}

/**
 * What is known once a key has proven itself.
 * @returns {Partial<Buddy>}
 */
function proven() {
  return {
    invitation: undefined,
    trust: "pinned",
    fingerprint: "7e57".repeat(16),
    key: "c0de".repeat(16),
    known: { how: "invitation", since: Date.now() },
  };
}

/**
 * @param {MockHost} host
 * @param {"offer" | "answer"} kind
 * @param {string} to
 * @param {string} [from]
 * @returns {InvitationMail}
 */
function mail(host, kind, to, from = host.addresses[0] ?? "") {
  return {
    from,
    to,
    name: "invitation.corella-invitation",
    mediaType: "application/vnd.corella.invitation",
    content: `${kind} ${from}`,
  };
}
