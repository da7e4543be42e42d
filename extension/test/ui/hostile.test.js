import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, drive, openConversation } from "./browser.js";

/** @type {Browser} */
let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.stop());

const BOB = "bob@example.test";

test("what others write stays text: nothing runs, nothing is fetched, nothing is left out", async () => {
  const { page, problems, close } = await browser.open({ scenario: "hostile" });
  await openConversation(page, BOB);
  const written = await page.evaluate(() =>
    /** @type {any} */ (globalThis).mock.host.messages.map((/** @type {any} */ message) => message.text),
  );
  assert.deepEqual(await page.locator("#messages .text").allTextContents(), written);
  assert.equal(await page.locator("#messages :is(img, script, style, iframe, b)").count(), 0);
  assert.deepEqual(
    await page.locator("#messages a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
    ["http://evil.example/"],
    "no javascript:, no user names, no text that turns around",
  );
  assert.equal(await page.evaluate(() => "hacked" in globalThis), false);
  assert.deepEqual(problems, []);
  await close();
});

test("a link goes to the user's browser, never into the page", async () => {
  const { page, close } = await browser.open({ scenario: "normal" });
  await openConversation(page, BOB);
  await page.locator("#messages a").first().click();
  const opened = await page.evaluate(() =>
    /** @type {any} */ (globalThis).mock.done.filter(
      (/** @type {any} */ call) => call.api === "windows.openDefaultBrowser",
    ),
  );
  assert.deepEqual(
    opened.map((/** @type {any} */ call) => call.args),
    [["https://example.org/agenda?id=7"]],
  );
  assert.match(page.url(), /^http:\/\/127\.0\.0\.1:/);
  await close();
});

test("names and notes cannot turn the page around or break out of their line", async () => {
  const { page, close } = await browser.open({ scenario: "hostile" });
  await openConversation(page, BOB);
  assert.equal(await page.locator("#person-name").textContent(), "<i>Bob</i>");
  assert.doesNotMatch(String(await page.locator("#person-line").textContent()), /[\u202a-\u202e\u2066\u2067]/);
  assert.equal(await page.locator("#person i, #person b, #conversation-list i").count(), 0);
  await close();
});

test("a message of 32 KB or one endless word shows its beginning, and the rest when asked", async () => {
  const { page, close } = await browser.open({ scenario: "hostile" });
  await openConversation(page, BOB);
  const long = page.locator(".message", { hasText: "32 KB" });
  const height = () => long.evaluate((element) => element.getBoundingClientRect().height);
  const short = await height();
  assert.ok(short < 500, `${short}`);
  await long.locator(".show-all").click();
  assert.ok((await height()) > 2 * short);
  assert.ok(
    await page.locator("#messages").evaluate((log) => log.scrollWidth <= log.clientWidth),
    "nothing sticks out sideways",
  );
  await close();
});

test("text of either direction begins at its own side", async () => {
  const { page, close } = await browser.open({ scenario: "hostile" });
  await openConversation(page, BOB);
  const direction = (/** @type {string} */ text) =>
    page.locator(".text", { hasText: text }).evaluate((element) => getComputedStyle(element).direction);
  assert.equal(await direction("starts from the right"), "rtl");
  assert.equal(await direction("nobreak"), "ltr");
  await close();
});

test("marks that do not fit their text do no harm", async () => {
  const { page, problems, close } = await browser.open({ scenario: "long" });
  await page.evaluate(() => {
    const { host } = /** @type {any} */ (globalThis).mock;
    const hit = (/** @type {any} */ marks) => ({
      id: "s1",
      with: "bob@example.test",
      direction: "in",
      at: 1,
      snippet: "<b>👋 text</b>",
      marks,
    });
    host.answerSearch = {
      total: 4,
      hits: [
        hit([[0, 999]]),
        hit([
          [-5, 2],
          [1, 4],
        ]),
        hit([["x", null]]),
        hit([[3, 5]]),
      ],
    };
  });
  await page.locator("#search-input").fill("anything");
  await page.locator("#search-list .hit").nth(3).waitFor();
  assert.deepEqual(await page.locator("#search-list .snippet").allTextContents(), Array(4).fill("<b>👋 text</b>"));
  assert.deepEqual(await page.locator("#search-list mark").allTextContents(), ["<b>👋 text</b>", "<b", ">👋", "👋"]);
  assert.deepEqual(problems, []);
  await close();
});

test("nonsense from the host does not stop the page", async () => {
  const { page, close } = await browser.open({ scenario: "normal" });
  await openConversation(page, BOB);
  await page.evaluate(() => {
    const { host } = /** @type {any} */ (globalThis).mock;
    host.tell("unknown/notification", { x: 1 });
    host.tell("notice", { kind: "from the future" });
    host.tell("presence/changed", { address: "nobody@example.test", status: "online" });
  });
  await drive(page, "put", { with: BOB, text: "still here" });
  await page.locator(".message", { hasText: "still here" }).waitFor();
  await close();
});
