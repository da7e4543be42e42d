/**
 * A secret that nobody guesses, for who has none.
 */

/** Letters and digits that are not taken for one another. */
const SYMBOLS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP = 5;

/** @returns {string} 20 random letters and digits in groups, some 99 bits: easy to write down and to type */
export function suggestSecret() {
  const groups = Array.from({ length: GROUPS }, () => Array.from({ length: GROUP }, symbol).join(""));
  return groups.join("-");
}

/** Each as likely as any other: a byte beyond the last whole round is thrown again. */
function symbol() {
  const end = 256 - (256 % SYMBOLS.length);
  for (;;) {
    const [byte = end] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < end) {
      return SYMBOLS.charAt(byte % SYMBOLS.length);
    }
  }
}
