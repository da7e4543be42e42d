/**
 * Cutting text into pieces that are shown differently: the marked words of a search result, the links in a message.
 * Pieces of text only; the views make nodes of them.
 */

/** @typedef {{text: string, marked: boolean}} Marked */
/** @typedef {{text: string, url: string | null}} Linked */

const LINK = /\bhttps?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g;

/**
 * @param {string} text
 * @param {[number, number][]} marks ranges in UTF-16 code units; what does not fit the text is left out
 * @returns {Marked[]}
 */
export function markedSegments(text, marks) {
  /** @type {Marked[]} */
  const segments = [];
  let at = 0;
  const ordered = [...marks]
    .filter((mark) => Array.isArray(mark) && Number.isInteger(mark[0]) && Number.isInteger(mark[1]))
    .sort((a, b) => a[0] - b[0]);
  for (const [from, to] of ordered) {
    const start = Math.max(splits(text, from) ? from - 1 : from, at);
    const end = Math.min(splits(text, to) ? to + 1 : to, text.length);
    if (start >= end) {
      continue;
    }
    if (start > at) {
      segments.push({ text: text.slice(at, start), marked: false });
    }
    segments.push({ text: text.slice(start, end), marked: true });
    at = end;
  }
  if (at < text.length) {
    segments.push({ text: text.slice(at), marked: false });
  }
  return segments;
}

/**
 * Whether a cut there would part the two halves of a character.
 * @param {string} text
 * @param {number} index
 */
function splits(text, index) {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));
}

/**
 * @param {string} text
 * @returns {Linked[]} `url` for http and https addresses, written in ASCII, with a host and without a user name
 */
export function linkedSegments(text) {
  /** @type {Linked[]} */
  const segments = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const written = trimmed(match[0]);
    const url = safeUrl(written);
    if (!url) {
      continue;
    }
    if (match.index > at) {
      segments.push({ text: text.slice(at, match.index), url: null });
    }
    segments.push({ text: written, url });
    at = match.index + written.length;
  }
  if (at < text.length) {
    segments.push({ text: text.slice(at), url: null });
  }
  return segments;
}

/**
 * Without the punctuation that ends a sentence, and without a closing bracket that was not opened in it.
 * @param {string} written
 */
function trimmed(written) {
  let end = written.replace(/[.,;:!?'"]+$/, "");
  while (end.endsWith(")") && end.split("(").length < end.split(")").length) {
    end = end.slice(0, -1).replace(/[.,;:!?'"]+$/, "");
  }
  return end;
}

/** @param {string} written */
function safeUrl(written) {
  try {
    const url = new URL(written);
    // `https://bank.example@evil.example` shows one name and goes to another.
    return /^https?:$/.test(url.protocol) && url.hostname && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
