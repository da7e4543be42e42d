import assert from "node:assert/strict";
import { axe, calls, drive, openConversation } from "./browser.js";
import { pageTests } from "./page-tests.js";
import { OWN_KEY } from "../../dev/mock/host.js";
import { codeText, grouped } from "../../src/key-code.js";

/** @import { Page } from "playwright-core" */
/** @import { Buddy } from "../../src/protocol.js" */

const ALICE = "alice@example.test";
const BOB = "bob@example.test";
const CAROL = "carol@example.test";
const DAVE = "dave@example.test";
const KEY = "0123456789abcdef".repeat(4);
const FINGERPRINT = "ab12cd34".repeat(8);
const pageTest = pageTests();

/**
 * Opens the dialog for somebody whose key nobody has confirmed yet.
 * @param {Page} page
 */
async function compare(page) {
  await drive(page, "putBuddy", BOB, { trust: "unverified" });
  await openConversation(page, BOB);
  await page.locator('#person-trust[data-trust="unverified"]').click();
  await page.locator("#compare").click();
  await page.locator("#compare-own .key-picture").waitFor();
}

/**
 * A photo of a code, larger than the code, on a grey table.
 * @param {Page} page
 * @param {string} text of the code
 */
async function photo(page, text) {
  const base64 = await page.evaluate(async (content) => {
    const library = "/node_modules/qr/index.js";
    const { encodeQR } = await import(library);
    /** @type {boolean[][]} */
    const rows = encodeQR(content, "raw", { border: 4 });
    const canvas = document.createElement("canvas");
    canvas.width = 1200;
    canvas.height = 900;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = "#998877";
    context.fillRect(0, 0, 1200, 900);
    context.translate(400, 150);
    context.rotate(0.1);
    rows.forEach((row, y) =>
      row.forEach((dark, x) => {
        context.fillStyle = dark ? "#222" : "#eee";
        context.fillRect(x * 9, y * 9, 9.5, 9.5);
      }),
    );
    return canvas.toDataURL("image/png").split(",")[1];
  }, text);
  return { name: "photo.png", mimeType: "image/png", buffer: Buffer.from(String(base64), "base64") };
}

/**
 * @param {Page} page
 * @param {string} text of the code in the picture that is chosen
 */
async function show(page, text) {
  await page.locator("#compare-file").setInputFiles(await photo(page, text));
}

/** @param {Page} page */
async function accepted(page) {
  return (await calls(page, "buddies/accept")).map(({ params }) => params);
}

pageTest(
  "how a key is known is said in a sentence, with the key that people compare",
  { scenario: "normal" },
  async (page) => {
    const since = Date.UTC(2026, 4, 17, 12);
    await openConversation(page, BOB);
    await page.locator("#person-trust").click();
    for (const [known, trust, words] of /** @type {[Buddy["known"], Buddy["trust"], RegExp][]} */ ([
      [
        { how: "authority", authority: "Example <b>CA</b>", since },
        "verified",
        /certified by Example <b>CA<\/b>, since May 17, 2026/,
      ],
      [{ how: "fingerprint", since }, "pinned", /confirmed since May 17, 2026, because you said/],
      [{ how: "invitation", since }, "pinned", /mailed to bob@example\.test came back signed/],
      [{ how: "device", since }, "pinned", /another of your devices/],
      [{ how: "first", since }, "unverified", /not confirmed.*on May 17, 2026; anybody could have made it/],
      [{ how: /** @type {any} */ ("later"), since }, "unverified", /not confirmed/],
    ])) {
      await drive(page, "putBuddy", BOB, { known, trust });
      await page.waitForFunction((wanted) => document.getElementById("person-trust")?.dataset.trust === wanted, trust);
      const said = String(await page.locator("#known").textContent()).replaceAll(/[\u2068\u2069]/g, "");
      assert.match(said, words);
    }
    assert.equal(await page.locator("#person-details-panel .fingerprint").textContent(), grouped(KEY));
    await page.locator("#confirm-key").click();
    await page.locator('#person-trust[data-trust="pinned"]').waitFor();
    assert.deepEqual(await accepted(page), [{ address: BOB, fingerprint: FINGERPRINT }]);
  },
);

pageTest(
  "both keys can be read aloud, and saying that they are the same confirms",
  { scenario: "normal" },
  async (page) => {
    await compare(page);
    assert.equal(await page.locator("#compare-theirs .fingerprint").textContent(), grouped(KEY));
    assert.equal(await page.locator("#compare-own .fingerprint").textContent(), grouped(OWN_KEY));
    assert.deepEqual(await axe(page), []);
    await page.locator("#compare-confirm").click();
    await page.locator('#person-trust[data-trust="pinned"]').waitFor();
    assert.deepEqual(await accepted(page), [{ address: BOB, fingerprint: FINGERPRINT }]);
    assert.equal(await page.evaluate(() => document.activeElement?.id), "person-trust");
  },
);

pageTest("the own code on the screen is found in a screenshot of it", { scenario: "normal" }, async (page) => {
  await compare(page);
  const screenshot = await page.screenshot();
  await page.locator("#compare-file").setInputFiles({ name: "s.png", mimeType: "image/png", buffer: screenshot });
  await page.locator("#compare-result", { hasText: "your own code" }).waitFor();
});

pageTest(
  "a picture of the right code says so, and only then the button confirms",
  { scenario: "normal" },
  async (page) => {
    await compare(page);
    await show(page, codeText(BOB, KEY));
    await page.locator('#compare-result[data-kind="good"]', { hasText: "It is the same key." }).waitFor();
    assert.deepEqual(await accepted(page), [], "nothing is confirmed by itself");
    assert.deepEqual(await axe(page), []);
    await page.locator("#compare-confirm", { hasText: "This is their key" }).click();
    await page.locator('#person-trust[data-trust="pinned"]').waitFor();
    assert.deepEqual(await accepted(page), [{ address: BOB, fingerprint: FINGERPRINT }]);
  },
);

pageTest(
  "a picture of another key is an alarm, and nothing can be confirmed after it",
  { scenario: "normal" },
  async (page) => {
    await compare(page);
    await show(page, codeText(BOB, "f".repeat(64)));
    const alarm = page.locator('#compare-result[data-kind="bad"]');
    await alarm.getByText(/not the key that Corella knows for/).waitFor();
    assert.match(String(await alarm.textContent()), /Write nothing confidential/);
    assert.ok(await page.locator("#compare-confirm").isHidden());
    assert.deepEqual(await axe(page), []);
  },
);

pageTest("what else can be in a picture is said plainly", { scenario: "normal" }, async (page) => {
  await compare(page);
  for (const [text, words] of /** @type {const} */ ([
    [codeText("carol@example.test", KEY), /is the key of .carol@example\.test., not of .Bob Baker./],
    [codeText(ALICE, OWN_KEY), /your own code/],
    ["https://example.test/", /no key of Corella/],
  ])) {
    await show(page, text);
    await page.locator("#compare-result", { hasText: words }).waitFor();
  }
  const file = page.locator("#compare-file");
  await file.setInputFiles({ name: "no.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.locator("#compare-result", { hasText: "No code was found" }).waitFor();
});

pageTest("a picture can be dropped or pasted", { scenario: "normal" }, async (page) => {
  for (const kind of ["drop", "paste"]) {
    await compare(page);
    const { buffer } = await photo(page, codeText(BOB, KEY));
    await page.evaluate(
      ([event, base64]) => {
        const bytes = Uint8Array.from(atob(String(base64)), (character) => character.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "photo.png", { type: "image/png" }));
        const options = { bubbles: true, cancelable: true };
        document
          .getElementById("compare-drop")
          ?.dispatchEvent(
            event === "drop"
              ? new DragEvent("drop", { ...options, dataTransfer: data })
              : new ClipboardEvent("paste", { ...options, clipboardData: data }),
          );
      },
      [kind, buffer.toString("base64")],
    );
    await page.locator('#compare-result[data-kind="good"]').waitFor();
    await page.locator("#compare-close").click();
  }
});

pageTest("of several keys, the one in the picture is confirmed", { scenario: "normal" }, async (page) => {
  await openConversation(page, DAVE);
  await page.locator("#compare-candidates").click();
  await page.locator("#compare-own .key-picture").waitFor();
  assert.equal(await page.locator("#compare-theirs .fingerprint").count(), 2);
  assert.ok(await page.locator("#compare-confirm").isHidden(), "which one is meant is not known yet");
  assert.deepEqual(await axe(page), []);
  await show(page, codeText(DAVE, "e2bb".repeat(16)));
  await page.locator("#compare-confirm").click();
  await page.locator("#question-panel").waitFor({ state: "detached" });
  assert.deepEqual(await accepted(page), [{ address: DAVE, fingerprint: "22bb".repeat(16) }]);
});

pageTest("a key that changes while it is compared cannot be confirmed", { scenario: "normal" }, async (page) => {
  await compare(page);
  await drive(page, "putBuddy", BOB, { key: "f".repeat(64), fingerprint: "e".repeat(64) });
  await page.locator("#compare-dialog").waitFor({ state: "hidden" });
  assert.deepEqual(await accepted(page), []);
});

pageTest("the own key can be shown as a code without a conversation", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  await page.locator(".own-code summary").click();
  await page.locator(".own-code .key-picture").waitFor();
  assert.equal(await page.locator("#own-identities .fingerprint").textContent(), grouped(OWN_KEY));
});

pageTest(
  "a new key that the authority vouches for is told in the conversation until it is closed",
  { scenario: "normal" },
  async (page) => {
    const line = page.locator("#key-renewed");
    await openConversation(page, CAROL);
    assert.equal(await line.isVisible(), false);
    await drive(page, "tell", "notice", { kind: "key-renewed", address: CAROL });
    await line.waitFor();
    const words = String(await line.textContent()).replaceAll(/[\u2068\u2069]/g, "");
    const today = new Intl.DateTimeFormat("en", { dateStyle: "long" }).format(Date.now());
    assert.match(words, /Carol Cook has a new key since .*Example CA vouches for it/);
    assert.ok(words.includes(today), words);
    assert.deepEqual(await axe(page), []);
    await drive(page, "putBuddy", BOB, { trust: "verified", known: { how: "authority", authority: "Example CA" } });
    await openConversation(page, BOB);
    assert.equal(await line.isVisible(), false, "it is about one person");
    // A page that is opened later tells of it as well.
    await page.reload();
    await page.locator("html[data-ready]").waitFor();
    await openConversation(page, CAROL);
    await line.waitFor();
    await page.locator("#key-renewed-close").click();
    await line.waitFor({ state: "hidden" });
    await page.waitForFunction(
      () => /** @type {any} */ (globalThis).mock.messenger.storage.local.data.newKeys.length === 0,
    );
  },
);

pageTest(
  "of a new key is told no more once it is known otherwise, or the person was removed",
  { scenario: "normal" },
  async (page) => {
    const line = page.locator("#key-renewed");
    await openConversation(page, CAROL);
    await drive(page, "tell", "notice", { kind: "key-renewed", address: CAROL });
    await line.waitFor();
    await drive(page, "putBuddy", CAROL, { trust: "pinned", known: { how: "fingerprint", since: Date.now() } });
    await line.waitFor({ state: "hidden" });
    await drive(page, "putBuddy", CAROL, { trust: "verified", known: { how: "authority", authority: "Example CA" } });
    await line.waitFor();
    await drive(page, "tell", "buddies/changed", { address: CAROL });
    await line.waitFor({ state: "hidden" });
    await page.waitForFunction(
      () => /** @type {any} */ (globalThis).mock.messenger.storage.local.data.newKeys.length === 0,
    );
  },
);
