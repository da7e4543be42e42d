/** Worlds to look at and to test the pages in: `?scenario=…` of the development server chooses one. */

import { vCard } from "./address-book.js";

/** @import { Buddy, Message } from "../../src/protocol.js" */
/** @import { Script } from "./host.js" */

/**
 * @typedef {object} Scenario
 * @property {Script} host
 * @property {messenger.accounts.MailAccount[]} [accounts]
 * @property {Partial<messenger.addressBooks.contacts.Contact>[]} [contacts]
 */

const OWN = "alice@example.test";
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOW = Date.now();

let count = 0;

/**
 * @param {string} address
 * @param {Partial<Message>} changes
 * @returns {Message}
 */
function message(address, changes) {
  count++;
  const incoming = changes.direction !== "out";
  return {
    id: `s${count}`,
    own: OWN,
    with: address,
    direction: "in",
    text: "",
    at: NOW - 100 * MINUTE + count * 1000,
    sequence: count,
    state: incoming ? "read" : "delivered",
    trust: "unverified",
    sealed: true,
    request: false,
    ...changes,
  };
}

/**
 * @param {string} address
 * @param {Partial<Buddy>} changes
 * @returns {Buddy}
 */
function buddy(address, changes = {}) {
  return {
    address,
    consent: "buddy",
    status: "offline",
    unread: 0,
    trust: "unverified",
    fingerprint: "ab12cd34".repeat(8),
    key: "0123456789abcdef".repeat(4),
    known: { how: "first", since: NOW - 3 * DAY },
    ...changes,
  };
}

/** @type {Partial<messenger.addressBooks.contacts.Contact>[]} */
const CONTACTS = [
  { id: "bob", vCard: vCard("FN:Bob Baker", "EMAIL:bob@example.test", "IMPP:sip:bob@example.test") },
  { id: "carol", vCard: vCard("FN:Carol Cook", "NICKNAME:Caz", "EMAIL:carol@example.test") },
  { id: "dave", vCard: vCard("FN:Dave Dent", "EMAIL:dave@example.test") },
  { id: "erin", vCard: vCard("FN:Erin Example", "EMAIL:erin@example.test") },
];

/** @type {messenger.accounts.MailAccount[]} */
const ACCOUNTS = [
  {
    id: "account1",
    name: "Work",
    identities: [
      { id: "id1", email: OWN, name: "Alice Archer" },
      { id: "id2", email: "alice.archer@example.test", name: "Alice Archer" },
    ],
  },
  { id: "account2", name: "Local Folders", identities: [] },
];

const BOB = "bob@example.test";
const CAROL = "carol@example.test";
const DAVE = "dave@example.test";

/** What is known of somebody whose key is not. */
const KEYLESS = { trust: undefined, fingerprint: undefined, key: undefined, known: undefined };

/** Under which the user's other devices keep a buddy list. */
export const KEPT_SECRET = "walnut harbour seven";

/** @returns {Message[]} */
function talk() {
  return [
    message(BOB, { text: "Good morning! Are you coming to the meeting?", at: NOW - DAY - 5 * MINUTE }),
    message(BOB, { text: "Yes, at ten.", direction: "out", state: "read", at: NOW - DAY - 4 * MINUTE }),
    message(BOB, { text: "Here is the agenda: https://example.org/agenda?id=7 (please read it)", trust: "pinned" }),
    message(BOB, { text: "Thank you", direction: "out", state: "delivered" }),
    message(BOB, { text: "One more thing", direction: "out", state: "stored" }),
    message(BOB, { text: "Still there?", direction: "out", state: "sent", reason: "waiting" }),
    message(BOB, { text: "See you soon", direction: "out", state: "pending", reason: "offline" }),
    message(BOB, { text: "This one was declined", direction: "out", state: "failed", reason: "refused" }),
    message(BOB, { text: "An old client sent this in the clear", sealed: false, trust: "plain" }),
    message(CAROL, { text: "Lunch?", state: "received" }),
    message(CAROL, { text: "At the usual place", state: "received" }),
    message("stranger@elsewhere.test", { text: "Hello, we met at the fair", state: "received", request: true }),
    message(DAVE, { text: "Can you read this?", direction: "out", state: "pending", reason: "question" }),
  ];
}

/** @returns {Buddy[]} */
function people() {
  return [
    buddy(BOB, {
      status: "online",
      note: "in the office",
      trust: "pinned",
      known: { how: "fingerprint", since: NOW - DAY },
    }),
    buddy(CAROL, {
      status: "away",
      unread: 2,
      trust: "verified",
      known: { how: "authority", authority: "Example CA", since: NOW - DAY },
    }),
    buddy(DAVE, {
      status: "busy",
      question: {
        kind: "several",
        candidates: [
          { fingerprint: "11aa".repeat(16), key: "e1aa".repeat(16), trust: "unverified" },
          { fingerprint: "22bb".repeat(16), key: "e2bb".repeat(16), trust: "unverified" },
        ],
      },
    }),
    buddy("changed@example.test", {
      question: {
        kind: "changed",
        candidates: [{ fingerprint: "33cc".repeat(16), key: "e3cc".repeat(16), trust: "unverified" }],
      },
    }),
    buddy("stranger@elsewhere.test", { consent: "request", unread: 1 }),
    buddy("pest@example.test", { consent: "blocked" }),
    buddy("nokey@example.test", KEYLESS),
  ];
}

const HOSTILE = [
  '<img src=x onerror="globalThis.hacked = true"><script>globalThis.hacked = true</script>',
  "</p><style>* { display: none }</style>",
  "javascript:globalThis.hacked=true https://user:secret@evil.example/ http://evil.example/\u202egpj.exe",
  "turned \u202e text \u2066 isolates \u2067 never \u200f closed",
  "zero\u200bwidth \u0000 \u0007 controls \ufeff",
  "𝒜𝓈𝓉𝓇𝒶𝓁 👩‍👩‍👧‍👦 \ud83d lone surrogate \udc00",
  "z̴̢̛͓̠̈́a̵̺͌l̶̡̛̼̓g̷̰̈́o̵͇̕ ".repeat(40),
  "nobreak".repeat(400),
  `32 KB: ${"wörd ".repeat(5000)}`,
  "שלום, this starts from the right: 123",
];

/** @type {Record<string, () => Scenario>} */
export const SCENARIOS = {
  normal: () => ({ host: { buddies: people(), messages: talk() } }),
  devices: () => ({
    host: {
      addresses: [OWN, "alice.archer@example.test"],
      buddies: people(),
      messages: talk(),
      kept: { secret: KEPT_SECRET, devices: 2, buddies: [buddy("frank@example.test", { name: "Frank" })] },
    },
  }),
  invitations: () => ({
    host: {
      buddies: [
        buddy(BOB, { status: "online" }),
        buddy(CAROL, { ...KEYLESS, consent: "request", invitation: "offered" }),
        buddy(DAVE, { ...KEYLESS, invitation: "answered" }),
        buddy("erin@example.test", { ...KEYLESS, invitation: "sent" }),
      ],
      messages: [message(BOB, { text: "Hello" })],
    },
  }),
  authorities: () => ({
    host: {
      buddies: people(),
      authorities: [
        { name: "Example Company", fingerprint: "5e1f".repeat(16), expires: NOW + 900 * DAY, added: false },
        { name: "Anna’s family", fingerprint: "fa3e".repeat(16), expires: NOW + 300 * DAY, added: true },
      ],
    },
  }),
  empty: () => ({ host: {} }),
  onboarding: () => ({ host: { addresses: [] } }),
  "second-device": () => ({
    host: { addresses: [], kept: { secret: KEPT_SECRET, devices: 1, buddies: [], portable: true } },
  }),
  "no-mail": () => ({ host: { addresses: [] }, accounts: [] }),
  missing: () => ({ host: { mode: "missing" } }),
  "missing-first": () => ({ host: { mode: "missing", addresses: [] } }),
  "too-old": () => ({ host: { mode: "too-old" } }),
  "too-new": () => ({ host: { mode: "too-new" } }),
  crashed: () => ({ host: { mode: "crashing" } }),
  "in-use": () => ({ host: { mode: "in-use" } }),
  joining: () => ({ host: { buddies: people(), messages: talk(), status: { online: false } } }),
  long: () => ({
    host: {
      buddies: [buddy(BOB, { status: "online" })],
      messages: Array.from({ length: 300 }, (_, index) =>
        message(BOB, {
          text: `message ${index}${index % 50 === 7 ? " with a needle in it" : ""}`,
          direction: index % 3 === 0 ? "out" : "in",
          at: NOW - (300 - index) * 20 * MINUTE,
        }),
      ),
    },
  }),
  hostile: () => ({
    host: {
      buddies: [buddy(BOB, { status: "online", note: "<b>\u202enote</b>", name: "<i>Bob\u202e</i>" })],
      messages: HOSTILE.map((text) => message(BOB, { text })),
    },
    contacts: [],
  }),
};

/**
 * @param {string} name
 * @returns {Required<Scenario>}
 */
export function scenario(name) {
  const make = SCENARIOS[name];
  if (!make) {
    throw new Error(`no scenario is called ${name}`);
  }
  return { accounts: ACCOUNTS, contacts: CONTACTS, ...make() };
}
