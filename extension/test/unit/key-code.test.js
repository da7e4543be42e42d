import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeQR } from "../../node_modules/qr/decode.js";
import { encodeQR } from "../../node_modules/qr/index.js";
import { codeText, grouped, readCode } from "../../src/key-code.js";

const BOB = "bob@example.test";
const KEY = "0123456789abcdef".repeat(4);

test("a key that is shown as a code is read back with its address", () => {
  assert.deepEqual(readCode(codeText(BOB, KEY)), { address: BOB, key: KEY });
});

test("the longest address fits into a code, which is found in a picture of it", () => {
  const address = `${"l".repeat(64)}@${"d".repeat(60)}.${"d".repeat(60)}.${"d".repeat(60)}.test`;
  const rows = encodeQR(codeText(address, KEY), "raw", { ecc: "medium", border: 4 });
  const scale = 4;
  const side = rows.length * scale;
  const data = new Uint8ClampedArray(side * side * 4).map((_, at) => {
    const [x, y] = [Math.floor(at / 4) % side, Math.floor(at / 4 / side)];
    return at % 4 === 3 || !rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] ? 255 : 0;
  });
  assert.deepEqual(readCode(decodeQR({ width: side, height: side, data })), { address, key: KEY });
});

test("what a telephone shows of a code is text with the digits as they are compared, and no link", () => {
  const text = codeText(BOB, KEY);
  assert.ok(text.includes(grouped(KEY)));
  assert.doesNotMatch(text, /\w:/);
});

test("a code of anything else is no key", () => {
  const good = codeText(BOB, KEY);
  for (const text of [
    "",
    "https://example.test/",
    good.replace(BOB, "bob"),
    good.replace("0123", "012"),
    good.replace("0123", "ABCD"),
    good.toLowerCase(),
    `${good}\n`,
    ` ${good}`,
    good.replace(BOB, `${BOB}\nmallory@example.test`),
  ]) {
    assert.equal(readCode(text), null, text);
  }
});
