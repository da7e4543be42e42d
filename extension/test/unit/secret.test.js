import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestSecret } from "../../src/secret.js";

test("a suggested secret is 20 letters and digits that are not taken for one another, another each time", () => {
  const many = Array.from({ length: 200 }, suggestSecret);
  assert.equal(new Set(many).size, many.length);
  for (const secret of many) {
    assert.match(secret, /^[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}$/);
  }
  const symbols = new Set(many.join("").replaceAll("-", ""));
  assert.equal(symbols.size, 31, "each symbol is used");
});
