import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, Browser, calls, drive, openConversation, openDevices } from "./browser.js";

/** @import { Page } from "playwright-core" */
/** @import { View } from "./browser.js" */

/** @type {Browser} */
let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.stop());

/**
 * Every state a page can be in: its view, and what leads there.
 * @type {Record<string, {view: View, act?: (page: Page) => Promise<unknown>}>}
 */
const STATES = {
  chat: { view: { scenario: "normal" } },
  conversation: { view: { scenario: "normal" }, act: (page) => openConversation(page, "bob@example.test") },
  request: { view: { scenario: "normal" }, act: (page) => openConversation(page, "stranger@elsewhere.test") },
  question: { view: { scenario: "normal" }, act: (page) => openConversation(page, "dave@example.test") },
  blocked: { view: { scenario: "normal" }, act: (page) => openConversation(page, "pest@example.test") },
  stranger: { view: { scenario: "normal", query: "link=sip%3Anew%40example.net" } },
  empty: { view: { scenario: "empty" } },
  results: {
    view: { scenario: "long" },
    act: async (page) => {
      await page.locator("#search-input").fill("needle");
      await page.locator("#search-list .hit").nth(2).click();
      await page.locator(".found").waitFor();
    },
  },
  "no results": {
    view: { scenario: "long" },
    act: async (page) => {
      await page.locator("#search-input").fill("nowhere");
      await page.locator("#search-status", { hasText: "Nothing" }).waitFor();
    },
  },
  "own status": { view: { scenario: "normal" }, act: (page) => page.locator("#own-status").click() },
  "other devices": {
    view: { scenario: "devices" },
    act: async (page) => {
      await openDevices(page);
      await page.locator("#devices-submit").click();
      await page.locator("#devices-problem", { hasText: "too short" }).waitFor();
    },
  },
  "other devices, kept": {
    view: { scenario: "devices" },
    act: async (page) => {
      await page.evaluate(() => /** @type {any} */ (globalThis).mock.host.roaming.add("alice@example.test"));
      await openDevices(page);
      await page.locator("#devices-stop").waitFor();
    },
  },
  "new key": {
    view: { scenario: "normal" },
    act: async (page) => {
      await openConversation(page, "carol@example.test");
      await drive(page, "tell", "notice", { kind: "key-renewed", address: "carol@example.test" });
      await page.locator("#key-renewed").waitFor();
    },
  },
  details: {
    view: { scenario: "normal" },
    act: async (page) => {
      await openConversation(page, "bob@example.test");
      await page.locator("#person-trust").click();
    },
  },
  comparing: {
    view: { scenario: "normal" },
    act: async (page) => {
      await openConversation(page, "dave@example.test");
      await page.locator("#compare-candidates").click();
      await page.locator("#compare-own .key-picture").waitFor();
    },
  },
  authorities: {
    view: { scenario: "authorities" },
    act: async (page) => {
      await page.locator("#own-status").click();
      await page.locator("#authorities-open").click();
      await page.locator("#authorities li").first().waitFor();
    },
  },
  "invitation offered": {
    view: { scenario: "invitations" },
    act: (page) => openConversation(page, "carol@example.test"),
  },
  "invitation answered": {
    view: { scenario: "invitations" },
    act: (page) => openConversation(page, "dave@example.test"),
  },
  "new chat": {
    view: { scenario: "normal" },
    act: async (page) => {
      await page.locator("#new-chat").click();
      await page.keyboard.type("ex");
      await page.locator("#new-chat-contacts li").first().waitFor();
      await page.keyboard.press("ArrowDown");
    },
  },
  hostile: { view: { scenario: "hostile" }, act: (page) => openConversation(page, "bob@example.test") },
  missing: { view: { scenario: "missing" } },
  "too old": { view: { scenario: "too-old" } },
  crashed: { view: { scenario: "crashed" } },
  onboarding: { view: { scenario: "onboarding", page: "onboarding.html" } },
  "onboarding, device lost": {
    view: { scenario: "onboarding", page: "onboarding.html" },
    act: (page) => page.locator("#lost-only summary").click(),
  },
  "no mail": { view: { scenario: "no-mail", page: "onboarding.html" } },
  "onboarding without host": { view: { scenario: "missing-first", page: "onboarding.html" } },
};

for (const [name, { view, act }] of Object.entries(STATES)) {
  for (const scheme of /** @type {const} */ (["light", "dark"])) {
    test(`nothing for axe to find: ${name}, ${scheme}`, async () => {
      const { page, problems, close } = await browser.open({ ...view, scheme });
      await act?.(page);
      assert.deepEqual(await axe(page), []);
      assert.deepEqual(problems, []);
      await close();
    });
  }
}

/**
 * The host works from now on, and the user asks for it in the same moment: before the add-on tries by itself.
 * @param {Page} page
 */
function repair(page) {
  return page.evaluate(() => {
    /** @type {any} */ (globalThis).mock.host.mode = "ready";
    document.getElementById("host-retry")?.click();
  });
}

for (const [scenario, sentence, command] of [
  ["missing", /not installed/, "corella install"],
  ["too-old", /program \(\u20680\.0\.9\u2069\) is older.*Update the Corella program/, null],
  ["too-new", /add-on \(\u20680\.1\.0\u2069\) is older.*Update the add-on/, null],
  ["crashed", /has stopped/, "corella doctor"],
  ["in-use", /Another Corella.*Close the other/, null],
]) {
  test(`the host, ${scenario}: said in words, with the one thing to do`, async () => {
    const { page, close } = await browser.open({ scenario: String(scenario) });
    await page.locator("#host-notice").waitFor();
    await page.waitForFunction(() => document.getElementById("host-notice")?.dataset.state !== "connecting");
    assert.match(String(await page.locator("#host-notice").textContent()), /** @type {RegExp} */ (sentence));
    assert.deepEqual(await page.locator("#host-notice code").allTextContents(), command ? [command] : []);
    await repair(page);
    await page.locator("#host-notice").waitFor({ state: "hidden" });
    await close();
  });
}

test("the first start: an address is chosen, and the way goes on to the conversation that was wanted", async () => {
  const { page, problems, close } = await browser.open({
    scenario: "onboarding",
    query: "link=sip%3Abob%40example.test",
  });
  await page.locator("body.onboarding #go-online:enabled").waitFor();
  assert.equal(await page.locator("#identities input").count(), 2);
  assert.ok(await page.locator("#identities input").first().isChecked());
  await page.locator('#identities input[value="alice.archer@example.test"]').check();
  await page.locator("#go-online").click();
  await page.locator('#conversation[data-address="bob@example.test"]').waitFor();
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).mock.host.addresses), [
    "alice.archer@example.test",
  ]);
  assert.equal((await calls(page, "identity/enrol")).length, 0, "enrolled once, on the page before");
  assert.deepEqual(problems, []);
  await close();
});

test("without a mail address the first page says what to do, and looks again when asked", async () => {
  const { page, close } = await browser.open({ scenario: "no-mail", page: "onboarding.html" });
  assert.match(String(await page.locator("#no-identity").textContent()), /Set up a mail account/);
  for (const part of ["#identity-form", "#already", "#lost-only"]) {
    assert.ok(await page.locator(part).isHidden(), part);
  }
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).mock.messenger.accounts.list = async () => [
      { id: "a", name: "A", identities: [{ email: "alice@example.test" }] },
    ];
  });
  await page.locator("#look-again").click();
  await page.locator("#go-online").waitFor();
  await close();
});

test("without the host the first page says so, and goes on when it comes", async () => {
  const { page, close } = await browser.open({ scenario: "missing-first", page: "onboarding.html" });
  await page.locator('#host-notice[data-state="missing"]').waitFor();
  assert.ok(await page.locator("#go-online").isDisabled());
  await repair(page);
  await page.locator("#go-online:enabled").waitFor();
  await close();
});
