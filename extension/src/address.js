/**
 * Mail addresses in the canonical form that everything matches on, and the links that name one. The host has the last
 * word (error `invalid-address`); this is here so that a contact is found and a link is understood without asking it.
 */

/** What may stand in the local part without quotes (RFC 5322, atext and dots), in lower case. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * @param {string} text such as ` Bob@Bücher.Example `
 * @returns {string | null} `bob@xn--bcher-kva.example`, or null if it is no mail address
 */
export function canonical(text) {
  return joined(trimmed(text));
}

/**
 * White space as Unicode and the host have it: String.trim() leaves and takes other characters.
 * @param {string} text
 */
function trimmed(text) {
  return text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
}

/** @param {string} text without white space around it */
function joined(text) {
  const at = text.indexOf("@");
  if (at < 1 || text.length > 320) {
    return null;
  }
  // toLowerCase() would make an ASCII letter of the Kelvin sign.
  const local = text.slice(0, at).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const domain = asciiDomain(text.slice(at + 1));
  if (!domain || local.length > 64 || local.length + domain.length + 1 > 254 || !LOCAL.test(local)) {
    return null;
  }
  return `${local}@${domain}`;
}

/**
 * The address a link names: `sip:`, `sips:`, `im:`, `mailto:`, with or without `ext+corella:` before it, or the bare address.
 * Parameters and headers after it are ignored: a link is a place to go, never a message to send.
 * @param {string} link
 * @returns {string | null}
 */
export function fromLink(link) {
  const text = trimmed(link).replace(/^ext\+corella:(\/\/)?/i, "");
  const named = /^([^:]*):(.*)$/s.exec(text);
  if (!named) {
    return joined(text);
  }
  const [, scheme = "", rest = ""] = named;
  // RFC 3261, 19.1.1; RFC 3860 and 6068. `sip://` is a mistake, and "//bob" would be a local part.
  const parts = /^sips?$/i.test(scheme)
    ? /^(?!\/\/)([^@]*)@([^@:;?]*)(?::\d{1,5})?(?:[;?][^@]*)?$/s.exec(rest)
    : /^(im|mailto)$/i.test(scheme)
      ? /^(?!\/\/)([^@?]*)@([^@?]*)(?:\?.*)?$/s.exec(rest)
      : null;
  if (!parts) {
    return null;
  }
  try {
    // Each for itself: what stood escaped in one is nothing that ends it.
    return joined(parts.slice(1).map(decodeURIComponent).join("@"));
  } catch {
    return null;
  }
}

/**
 * @param {string} address canonical
 * @returns {string} its `sip:` URI; what RFC 3261 does not allow in a user part is escaped, and the slash, since `sip://` is read as a
 *   mistake
 */
export function sipUri(address) {
  const at = address.lastIndexOf("@");
  const user = address
    .slice(0, at)
    .replace(/[^a-z0-9\-_.!~*'()&=+$,;?]/gi, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `sip:${user}@${address.slice(at + 1)}`;
}

/** @param {string} domain */
function asciiDomain(domain) {
  if (!domain || /[\p{White_Space}/\\?#@:[\]%]/u.test(domain)) {
    return null;
  }
  try {
    const ascii = new URL(`http://${domain}/`).hostname;
    // The URL parser reads a number as an IPv4 address; only what was written that way may come out that way.
    return DOMAIN.test(ascii) && (!/^[\d.]+$/.test(ascii) || ascii === domain) ? ascii : null;
  } catch {
    return null;
  }
}
