import assert from "node:assert/strict";
import { axe, calls } from "./browser.js";
import { pageTests } from "./page-tests.js";
import { MockAuthorities } from "../../dev/mock/authorities.js";
import { grouped } from "../../src/key-code.js";

/** @import { Page } from "playwright-core" */

const NEW = "00c0ffee".repeat(8);
const LATER = Date.UTC(2034, 4, 17, 12);
const PEM = MockAuthorities.file([{ name: "Club & <b>Sons</b>", fingerprint: NEW, expires: LATER }]);
const pageTest = pageTests();

/** @param {Page} page */
async function enter(page) {
  await page.locator("#own-status").click();
  await page.locator("#authorities-open").click();
  await page.locator("#authorities li").first().waitFor();
}

/**
 * @param {Page} page
 * @param {string | Buffer} content
 */
function choose(page, content) {
  return page
    .locator("#authority-file")
    .setInputFiles({ name: "root.crt", mimeType: "application/x-x509-ca-cert", buffer: Buffer.from(content) });
}

pageTest(
  "who is trusted can be seen; only what the user added can be removed",
  { scenario: "authorities" },
  async (page) => {
    await enter(page);
    const items = page.locator("#authorities li");
    assert.equal(await items.count(), 2);
    assert.match(String(await items.first().textContent()), /Example Company.*5e1f 5e1f.*Valid until.*configuration/);
    assert.equal(await items.first().locator("button").count(), 0);
    assert.deepEqual(await axe(page), []);
    await items.nth(1).locator(".remove-authority").click();
    await page.locator("#authorities-progress", { hasText: "trusted no longer" }).waitFor();
    assert.equal(await items.count(), 1);
    assert.deepEqual(
      (await calls(page, "authorities/remove")).map(({ params }) => params),
      [{ fingerprint: "fa3e".repeat(16) }],
    );
  },
);

pageTest(
  "an authority from a file is trusted only after its fingerprint was shown and confirmed",
  { scenario: "normal" },
  async (page) => {
    await enter(page);
    assert.match(String(await page.locator("#authorities").textContent()), /You trust no authority/);
    await choose(page, PEM);
    const found = page.locator("#authority-candidates li");
    await found.waitFor();
    assert.equal(await found.locator(".name").textContent(), "Club & <b>Sons</b>");
    assert.equal(await found.locator(".fingerprint").textContent(), grouped(NEW));
    assert.match(String(await page.locator("#authority-found").textContent()), /can vouch for any address/);
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(await calls(page, "authorities/add"), []);
    await found.locator(".trust-authority").click();
    await page.locator(`#authorities li[data-authority="${NEW}"][data-added="true"]`).waitFor();
    assert.ok(await page.locator("#authority-found").isHidden());
    assert.deepEqual(
      (await calls(page, "authorities/add")).map(({ params }) => params),
      [{ file: PEM, fingerprint: NEW }],
    );
  },
);

pageTest("a binary file goes to the host in base64", { scenario: "normal" }, async (page) => {
  await enter(page);
  await choose(page, Buffer.from([0x30, 0x82, 0xff, 0x00]));
  await page.locator("#authorities-problem", { hasText: "no certificate" }).waitFor();
  assert.deepEqual(
    (await calls(page, "authorities/inspect")).map(({ params }) => params),
    [{ file: "MIL/AA==" }],
  );
});

pageTest(
  "what is wrong with a file is said, and nothing is left to be trusted",
  { scenario: "normal" },
  async (page) => {
    await enter(page);
    await choose(page, PEM);
    await page.locator("#authority-candidates li").waitFor();
    for (const [content, words] of /** @type {[string | Buffer, RegExp][]} */ ([
      [MockAuthorities.file([]), /of a person, not of an authority/],
      [MockAuthorities.file([{ name: "Old", fingerprint: NEW, expires: 0 }]), /has expired/],
      [Buffer.alloc(300_000), /too large/],
      ["words", /no certificate/],
    ])) {
      await choose(page, content);
      await page.locator("#authorities-problem", { hasText: words }).waitFor();
      assert.ok(await page.locator("#authority-found").isHidden());
    }
    await page.locator("#authorities-close").click();
    await page.locator("#authorities-open").click();
    await page.locator("#authorities li").waitFor();
    assert.equal(await page.locator("#authorities-problem").textContent(), "");
  },
);
