import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, openConversation } from "./browser.js";

/** @import { Page } from "playwright-core" */

/** @type {Browser} */
let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.stop());

/** @param {Page} page */
function focused(page) {
  return page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.activeElement);
    return element.id || element.dataset.address || element.dataset.id || element.className || element.tagName;
  });
}

/**
 * The list comes a moment after the page.
 * @param {Page} page
 * @param {string} address
 */
async function listed(page, address) {
  await page.locator(`#conversation-list [data-address="${address}"]`).waitFor();
}

/**
 * Presses Tab until the focus is there; fails if it never comes by.
 * @param {Page} page
 * @param {string} wanted
 */
async function tabTo(page, wanted) {
  const seen = [];
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at === wanted) {
      return seen;
    }
    seen.push(at);
  }
  return assert.fail(`Tab does not reach ${wanted}: ${seen.join(", ")}`);
}

test("everything by keyboard alone: list, message, search, result, and back", async () => {
  const { page, problems, close } = await browser.open({ scenario: "normal" });
  await listed(page, "stranger@elsewhere.test");
  await tabTo(page, "own-status");
  await tabTo(page, "new-chat");
  await tabTo(page, "search-input");
  await tabTo(page, "stranger@elsewhere.test");
  await page.keyboard.press("End");
  assert.equal(await focused(page), "pest@example.test");
  await page.keyboard.press("Home");
  for (let step = 0; step < 3; step++) {
    await page.keyboard.press("ArrowDown");
  }
  assert.equal(await focused(page), "bob@example.test");
  await page.keyboard.press("Enter");
  await page.locator('#conversation[data-address="bob@example.test"]').waitFor();
  await page.locator("#messages:not([aria-busy]) .retry").waitFor();
  assert.equal(await focused(page), "bob@example.test", "the place in the list is kept");
  const passed = await tabTo(page, "composer-text");
  for (const stop of ["person-trust", "messages", "retry"]) {
    assert.ok(passed.includes(stop), `${stop} is on the way: ${passed.join(", ")}`);
  }
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await page.locator(".message.out", { hasText: "by keyboard" }).waitFor();
  await page.keyboard.press("Control+f");
  assert.equal(await focused(page), "search-input");
  await page.keyboard.type("agenda");
  await page.locator("#search-list .hit").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".message.found", { hasText: "agenda" }).waitFor();
  await page.keyboard.press("Control+f");
  await page.keyboard.press("Escape");
  await page.locator("#conversation-list").waitFor();
  assert.equal(await page.locator("#search-input").inputValue(), "");
  assert.deepEqual(problems, []);
  await close();
});

test("the panels open, are used and close by keyboard, and give the focus back", async () => {
  const { page, close } = await browser.open({ scenario: "normal" });
  await tabTo(page, "own-status");
  await page.keyboard.press("Enter");
  await page.locator("#own-status-panel").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator('#own-status[data-status="away"]').waitFor();
  await tabTo(page, "new-chat");
  await page.keyboard.press("Enter");
  await page.locator("#new-chat-panel").waitFor();
  assert.equal(await focused(page), "new-chat-address");
  await page.keyboard.press("Escape");
  await page.locator("#new-chat-panel").waitFor({ state: "hidden" });
  assert.equal(await focused(page), "new-chat");
  await page.keyboard.press("Enter");
  await page.keyboard.type("erin");
  await page.waitForFunction(() => document.querySelectorAll("#new-chat-contacts li").length === 1);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("#new-chat-address").getAttribute("aria-activedescendant"), "contact-0");
  await page.keyboard.press("Enter");
  await page.locator('#conversation[data-address="erin@example.test"]').waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "composer-text");
  await close();
});

test("the first page is done by keyboard", async () => {
  const { page, close } = await browser.open({ scenario: "onboarding", page: "onboarding.html" });
  await page.locator("#go-online:enabled").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("html[data-ready] body.chat").waitFor();
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).mock.host.addresses), [
    "alice.archer@example.test",
  ]);
  await close();
});

test("where the focus is can be seen, also in forced colours", async () => {
  for (const forcedColors of /** @type {const} */ (["none", "active"])) {
    const { page, close } = await browser.open({ scenario: "normal", forcedColors });
    await listed(page, "stranger@elsewhere.test");
    for (const stop of ["own-status", "new-chat", "search-input", "stranger@elsewhere.test"]) {
      await tabTo(page, stop);
      const outline = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(/** @type {Element} */ (document.activeElement));
        return `${outlineStyle} ${outlineWidth}`;
      });
      assert.equal(outline, "solid 2px", stop);
    }
    await close();
  }
});

test("from right to left the page is its own mirror image", async () => {
  const { page, close } = await browser.open({ scenario: "normal", direction: "rtl" });
  await openConversation(page, "bob@example.test");
  const middle = (/** @type {string} */ selector) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => {
        const { left, right } = element.getBoundingClientRect();
        return (left + right) / 2 / innerWidth;
      });
  assert.ok((await middle("#sidebar")) > 0.7);
  assert.ok((await middle("#composer-send")) < 0.3);
  assert.ok((await middle(".message.out")) < (await middle(".message.in")));
  assert.ok((await middle("#person-trust")) < (await middle("#person-name")));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
  await page.locator("#own-status").click();
  assert.ok((await middle("#own-status-panel")) > 0.6);
  await close();
});

test("another language changes every word of the page", async () => {
  const { page, close } = await browser.open({ scenario: "normal", language: "de" });
  await openConversation(page, "dave@example.test");
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  const text = await page.locator("body").innerText();
  assert.match(text, /Mehrere Schlüssel geben an/);
  assert.doesNotMatch(text, /\b(Send|Search|Today|Use this key|Sealed|Blocked)\b/);
  await close();
});

test("a narrow window keeps everything in reach", async () => {
  const { page, close } = await browser.open({ scenario: "normal", size: { width: 480, height: 400 } });
  await openConversation(page, "dave@example.test");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.locator("#composer-send").scrollIntoViewIfNeeded();
  const { bottom, height } = await page
    .locator("#composer")
    .evaluate((element) => ({ bottom: element.getBoundingClientRect().bottom, height: innerHeight }));
  assert.ok(bottom <= height + 1);
  await close();
});

test("no motion for who wants none", async () => {
  const { page, close } = await browser.open({ scenario: "long" });
  await page.locator("#search-input").fill("needle");
  await page.locator("#search-list .hit").first().click();
  await page.locator(".found").waitFor();
  assert.equal(await page.locator(".found").evaluate((element) => getComputedStyle(element).animationName), "none");
  await close();
});
