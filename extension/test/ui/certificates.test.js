import assert from "node:assert/strict";
import { axe, calls } from "./browser.js";
import { pageTests } from "./page-tests.js";

/** @import { Page } from "playwright-core" */
/** @import { Identity } from "../../src/protocol.js" */

const ALICE = "alice@example.test";
const pageTest = pageTests();

/**
 * @param {Page} page
 * @param {Partial<Identity>} changes
 */
function certify(page, changes) {
  return page.evaluate(
    ([address, given]) => /** @type {any} */ (globalThis).mock.host.certify(address, given),
    /** @type {const} */ ([ALICE, changes]),
  );
}

pageTest("how far a certificate is can be read, and what helps is a button", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  const line = page.locator(`.certificate[data-own="${ALICE}"]`);
  await line.getByText("Not certified by an authority.").waitFor();
  assert.equal(await line.locator(".certificate-now").count(), 0, "no authority is asked");
  for (const [state, words] of /** @type {[any, RegExp][]} */ ([
    ["asking", /being asked for/],
    ["unreachable", /cannot be reached.*you can chat meanwhile/],
    ["limited", /too many requests/],
    ["mail-delayed", /could not send its mail yet/],
    ["letter-later", /writes again on .?May 17, 2026 at 12:34.PM/],
    ["letter-coming", /is writing to you.*there is nothing to do/],
    ["letter-slow", /has not come yet.*spam folder/],
    ["no-mailbox", /no such mailbox/],
    ["refused", /asks again tomorrow/],
  ])) {
    const at = new Date(2026, 4, 17, 12, 34).getTime();
    await certify(page, { enrolment: { state, ...(state === "letter-later" && { at }) } });
    await line.locator("p[role=status]", { hasText: words }).waitFor();
  }
  await certify(page, { enrolment: { state: "refused", reason: "untrusted-authority" } });
  await line.getByText(/another one than the one you trust/).waitFor();
  await certify(page, { enrolment: { state: "refused", reason: "<b>" } });
  await line.getByText(/asks again tomorrow/).waitFor();
  assert.deepEqual(await axe(page), []);
  await line.locator(".certificate-now").click();
  await page.waitForFunction(() =>
    /** @type {any} */ (globalThis).mock.host.calls.some((/** @type {any} */ call) => call.method === "identity/enrol"),
  );
  assert.deepEqual(
    (await calls(page, "identity/enrol")).map(({ params }) => params),
    [{ address: ALICE }],
  );
  await certify(page, { enrolment: { state: "answering" } });
  await line.getByText(/is being answered/).waitFor();
  assert.equal(await line.locator(".certificate-now").count(), 0);
});

pageTest("a certificate that came is seen at once", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  await page.locator('.certificate[data-trust="unverified"]').waitFor();
  await certify(page, { trust: "verified", issuer: "Example & <b>Sons</b>", expires: Date.UTC(2031, 4, 17, 12) });
  const line = page.locator('.certificate[data-trust="verified"]');
  const words = String(await line.textContent()).replaceAll(/[\u2068\u2069]/g, "");
  assert.match(words, /Certified by Example & <b>Sons<\/b> until May 17, 2031/);
  assert.equal(await line.locator(".icon-lock-verified").count(), 1);
  assert.deepEqual(await axe(page), []);
});

pageTest("whether letters go to the trash is the user's choice", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  const box = page.locator("#own-status-tidy-letters");
  assert.equal(await box.isChecked(), false);
  await box.check();
  await page.waitForFunction(() =>
    Boolean(/** @type {any} */ (globalThis).mock.messenger.storage.local.data.settings?.tidyLetters),
  );
});

pageTest(
  "a certificate from a file is used once file and passphrase are right",
  { scenario: "normal" },
  async (page) => {
    await page.locator("#own-status").click();
    await page.locator(".certificate button", { hasText: "from a file" }).click();
    assert.deepEqual(await axe(page), []);
    const submit = page.locator("#certificate-submit");
    const problem = page.locator("#certificate-problem");
    await submit.click();
    await problem.getByText("Choose a file first.").waitFor();
    const file = page.locator("#certificate-file");
    const pick = (/** @type {string | Buffer} */ content) =>
      file.setInputFiles({ name: "alice.p12", mimeType: "application/x-pkcs12", buffer: Buffer.from(content) });
    await pick(Buffer.alloc(300_000));
    await submit.click();
    await problem.getByText(/too large/).waitFor();
    await pick("another certificate");
    await page.locator("#certificate-passphrase").fill("wrong");
    await submit.click();
    await problem.getByText(/does not open the file/).waitFor();
    await page.locator("#certificate-passphrase").fill("right");
    await submit.click();
    await problem.getByText(/is for another address/).waitFor();
    await pick("a certificate");
    await submit.click();
    await page.locator('.certificate[data-trust="verified"]').waitFor();
    await page.locator("#certificate-dialog").waitFor({ state: "hidden" });
    const left = await page
      .locator("#certificate-passphrase")
      .evaluate((one) => /** @type {HTMLInputElement} */ (one).value);
    assert.equal(left, "");
  },
);

pageTest(
  "whoever has lost a device is told what follows, and nothing is done by opening",
  { scenario: "normal" },
  async (page) => {
    await page.locator("#own-status").click();
    await page.locator(".lost button").click();
    const dialog = page.locator("#lost-dialog");
    await dialog
      .getByText(/declared void/)
      .first()
      .waitFor();
    assert.match(String(await page.locator("#lost-address").textContent()), /alice@example\.test/);
    assert.equal(await page.evaluate(() => document.activeElement?.id), "lost-cancel");
    assert.deepEqual(await axe(page), []);
    await page.locator("#lost-cancel").click();
    await dialog.waitFor({ state: "hidden" });
    assert.deepEqual(await calls(page, "identity/revoke"), []);
    await page.locator(".lost button").click();
    await page.locator("#lost-submit").click();
    await dialog.waitFor({ state: "hidden" });
    await page.locator("#own-identities", { hasText: /e1e1/i }).waitFor();
    assert.deepEqual(
      (await calls(page, "identity/revoke")).map(({ params }) => params),
      [{ address: ALICE }],
    );
  },
);

pageTest(
  "an address whose key was declared void elsewhere says so, with one thing to do",
  { scenario: "normal" },
  async (page) => {
    await page.locator("#own-status").click();
    await page.locator(".certificate").waitFor();
    await certify(page, { revoked: true });
    const line = page.locator('.certificate[data-revoked="true"]');
    await line.getByText(/is off line: its key was declared void/).waitFor();
    assert.equal(await page.locator(".lost").count(), 0);
    assert.deepEqual(await axe(page), []);
    await line.getByRole("button").click();
    await page.locator('.certificate[data-trust="unverified"]').waitFor();
    assert.deepEqual(
      (await calls(page, "identity/enrol")).map(({ params }) => params),
      [{ address: ALICE }],
    );
  },
);
