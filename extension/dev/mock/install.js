/**
 * Makes an ordinary page a page of the add-on: the mock interface, the mock host, and the real background beside it.
 * What tests drive is in `mock`.
 */

import { MockHost } from "./host.js";
import { createMessenger } from "./messenger.js";
import { scenario } from "./scenarios.js";

/** @import { MockMails } from "./mails.js" */

/** @typedef {{host: MockHost, done: {api: string, args: any[]}[], mails: MockMails, messenger: any}} Mock */

const parameters = new URLSearchParams(location.search);
// The page goes on to another one (onboarding to chat); the world stays the same.
const remembered = JSON.parse(sessionStorage.getItem("mock") ?? "{}");
const choice = {
  scenario: parameters.get("scenario") ?? remembered.scenario ?? "normal",
  language: parameters.get("lang") ?? remembered.language ?? "en",
  direction: parameters.get("dir") ?? remembered.direction ?? "ltr",
};
const { host: script, accounts, contacts } = scenario(choice.scenario);
const same = remembered.scenario === choice.scenario;
const host = new MockHost(same && remembered.addresses ? { ...script, addresses: remembered.addresses } : script);
const known = choice.scenario === "missing-first" ? [] : (script.addresses ?? ["alice@example.test"]);
const { messenger, done, mails } = createMessenger({
  connectNative: () => host.connect(),
  messages: /** @type {any} */ (globalThis).corellaLocales[choice.language],
  language: choice.language,
  direction: choice.direction === "rtl" ? "rtl" : "ltr",
  accounts,
  contacts,
  version: "0.1.0",
  // A page that a link opened would give way to another one, and there is none.
  ...(!parameters.has("link") && { tab: { id: 1, windowId: 1 } }),
  stored: (same && remembered.stored) || { profile: "mock", addresses: known },
});
addEventListener("pagehide", () =>
  sessionStorage.setItem(
    "mock",
    JSON.stringify({ ...choice, addresses: host.addresses, stored: messenger.storage.local.data }),
  ),
);
Object.assign(globalThis, { messenger, mock: { host, done, mails, messenger } });
void import("../../src/background.js");
