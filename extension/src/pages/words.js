/**
 * Which text stands for which name of the protocol. The host's own messages are English for logs; the user is told by
 * these.
 */

import { language, t } from "../i18n.js";
import { RpcError } from "../rpc.js";

/** @import { Address, Enrolment, EnrolmentState, InvitationRefusal, KnownBy, KnownHow, Message, MessageState, Reason, Trust } from "../protocol.js" */

/** @type {Record<string, string>} */
const ERRORS = {
  disconnected: "errorDisconnected",
  "no-identity": "errorNoIdentity",
  "invalid-address": "errorInvalidAddress",
  "unknown-buddy": "errorUnknownBuddy",
  blocked: "errorBlocked",
  "bad-text": "errorBadText",
  "unknown-message": "errorUnknownMessage",
  "bad-query": "errorBadQuery",
  store: "errorStore",
  "in-use": "errorInUse",
  "bad-certificate": "errorBadCertificate",
  network: "errorNetwork",
  "list-too-long": "errorListTooLong",
  "wrong-secret": "errorWrongSecret",
  "not-online": "errorNotOnline",
  "wrong-passphrase": "errorWrongPassphrase",
  "no-mail-account": "errorNoMailAccount",
};

/** @type {Record<string, string>} what is wrong with a certificate that the user brought */
const BAD_CERTIFICATES = {
  unreadable: "certificateUnreadable",
  "other-address": "certificateOtherAddress",
  authority: "certificateOfAuthority",
  key: "certificateKey",
  "old-ciphers": "certificateOldCiphers",
  "too-large": "certificateTooLarge",
  several: "certificateSeveral",
  revoked: "certificateRevoked",
};

/** @type {Record<string, string>} what is wrong with a file that ought to hold an authority's certificate */
const BAD_AUTHORITIES = {
  unreadable: "authorityUnreadable",
  "no-authority": "authorityNone",
  "too-large": "certificateTooLarge",
  expired: "authorityExpired",
};

/** @type {Record<KnownHow, string>} how a key came to be known, and when */
const KNOWN = {
  authority: "knownAuthoritySince",
  fingerprint: "knownFingerprintSince",
  invitation: "knownInvitationSince",
  first: "knownFirstSince",
  device: "knownDeviceSince",
};

/** @type {Record<InvitationRefusal, string>} */
const INVITATION_REFUSALS = {
  unreadable: "invitationUnreadable",
  "bad-signature": "invitationBadSignature",
  "other-sender": "invitationOtherSender",
  "other-recipient": "invitationOtherRecipient",
  expired: "invitationExpired",
  unknown: "invitationUnknown",
  "other-key": "invitationOtherKey",
};

/** @type {Record<Exclude<MessageState, "received">, {icon: string, key: string}>} */
const STATES = {
  pending: { icon: "pending", key: "statePending" },
  sent: { icon: "sent", key: "stateSent" },
  stored: { icon: "stored", key: "stateStored" },
  delivered: { icon: "delivered", key: "stateDelivered" },
  read: { icon: "read", key: "stateRead" },
  failed: { icon: "failed", key: "stateFailed" },
};

/** @type {Record<Reason, string>} */
const REASONS = {
  offline: "reasonOffline",
  unknown: "reasonUnknown",
  question: "reasonQuestion",
  refused: "reasonRefused",
  "too-large": "reasonTooLarge",
  blocked: "reasonBlocked",
  waiting: "reasonWaiting",
};

/** @type {Record<EnrolmentState, string>} */
const ENROLMENT = {
  asking: "enrolmentAsking",
  unreachable: "enrolmentUnreachable",
  limited: "enrolmentLimited",
  "mail-delayed": "enrolmentMailDelayed",
  "letter-later": "enrolmentLetterLater",
  "letter-coming": "enrolmentLetterComing",
  "letter-slow": "enrolmentLetterSlow",
  answering: "enrolmentAnswering",
  "no-mailbox": "enrolmentNoMailbox",
  refused: "enrolmentRefused",
};

/** @type {Record<string, string>} why the authority refuses */
const REFUSALS = {
  "untrusted-authority": "refusedUntrusted",
  "bad-certificate": "refusedBadCertificate",
  "bad-address": "refusedAddress",
  "not-one-address": "refusedAddress",
  "bad-key": "refusedKey",
};

/** @type {Record<Trust, {icon: string, key: string, long: string}>} */
const TRUST = {
  verified: { icon: "lock-verified", key: "trustVerified", long: "trustVerifiedLong" },
  pinned: { icon: "lock-verified", key: "trustPinned", long: "trustPinnedLong" },
  unverified: { icon: "lock", key: "trustUnverified", long: "trustUnverifiedLong" },
  plain: { icon: "lock-open", key: "trustPlain", long: "trustPlainLong" },
};

/**
 * @param {unknown} error
 * @returns {string}
 */
export function errorWords(error) {
  const name = error instanceof RpcError ? error.name : "internal";
  const detail = error instanceof RpcError ? error.data.detail : undefined;
  if (name === "bad-query" && typeof detail === "string" && detail) {
    return t("errorBadQueryDetail", detail);
  }
  if (name === "bad-certificate" && typeof detail === "string" && BAD_CERTIFICATES[detail]) {
    return t(BAD_CERTIFICATES[detail]);
  }
  if (name === "short-secret") {
    const least = error instanceof RpcError ? Number(error.data.least) : 0;
    return t("errorShortSecret", least || 12);
  }
  return t(ERRORS[name] ?? "errorInternal");
}

/** @param {MessageState} state of a message one sent */
export function stateWords(state) {
  const { icon, key } = state === "received" ? STATES.delivered : STATES[state];
  return { icon, words: t(key) };
}

/**
 * Why a message is not where it should be.
 * @param {Message} message
 * @param {string} name the other side's
 * @returns {string} empty if there is nothing to say
 */
export function reasonWords({ state, reason }, name) {
  if (reason && REASONS[reason] && ["pending", "sent", "stored", "failed"].includes(state)) {
    return t(REASONS[reason], name);
  }
  return state === "failed" ? t("reasonOther") : "";
}

/** @param {Trust | undefined} trust undefined: no key is known */
export function trustWords(trust) {
  const { icon, key, long } = (trust && TRUST[trust]) || { icon: "lock", key: "trustNone", long: "trustNoneLong" };
  return { icon, words: t(key), long: t(long) };
}

/**
 * How far a certificate is.
 * @param {Enrolment} enrolment
 */
export function enrolmentWords({ state, reason, at }) {
  if (state === "refused") {
    return t(REFUSALS[reason ?? ""] ?? ENROLMENT.refused);
  }
  return t(ENROLMENT[state], at === undefined ? "" : longTime(at));
}

/**
 * What speaks for a key that the user has to decide about.
 * @param {Trust} trust
 */
export function keyWords(trust) {
  return t(trust === "verified" ? "keyCertified" : trust === "pinned" ? "keyConfirmed" : "keyUncertified");
}

/**
 * How a key came to be known, in a sentence.
 * @param {KnownBy} known
 * @param {Address} address whose key it is
 */
export function knownWords({ how, authority, since }, address) {
  const of = how === "authority" ? (authority ?? "") : address;
  return t(KNOWN[how] ?? KNOWN.first, of, longDate(since));
}

/**
 * Why the invitation in a mail is not offered.
 * @param {InvitationRefusal} reason
 */
export function refusedWords(reason) {
  return t(INVITATION_REFUSALS[reason] ?? "invitationUnreadable");
}

/**
 * What is wrong with a file that ought to hold an authority's certificate.
 * @param {unknown} error
 */
export function authorityFileWords(error) {
  const detail = error instanceof RpcError && error.name === "bad-certificate" ? error.data.detail : undefined;
  return typeof detail === "string" && BAD_AUTHORITIES[detail] ? t(BAD_AUTHORITIES[detail]) : errorWords(error);
}

/** @param {number} at milliseconds since 1970 */
export function longDate(at) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "long" }).format(at);
}

/** @param {number} at milliseconds since 1970 */
function longTime(at) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "long", timeStyle: "short" }).format(at);
}
