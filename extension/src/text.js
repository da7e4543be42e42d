/**
 * Words of others, made fit for a single line.
 */

/**
 * One line, no controls, none of the invisible characters that turn the writing direction or hide.
 * @param {string} text
 * @param {number} length in characters
 */
export function oneLine(text, length) {
  const clean = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, "")
    .trim();
  const characters = [...clean];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : clean;
}
