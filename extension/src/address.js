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
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf("@");
  if (at < 1 || trimmed.length > 320) {
    return null;
  }
  const local = trimmed.slice(0, at).toLowerCase();
  const domain = asciiDomain(trimmed.slice(at + 1));
  if (!domain || local.length > 64 || local.length + domain.length + 1 > 254 || !LOCAL.test(local)) {
    return null;
  }
  return `${local}@${domain}`;
}

/**
 * The address a link names: `sip:`, `im:`, `mailto:`, with or without `ext+corella:` before it, or the bare address.
 * Parameters and headers after it are ignored: a link is a place to go, never a message to send.
 * @param {string} link
 * @returns {string | null}
 */
export function fromLink(link) {
  let rest = link.trim().replace(/^ext\+corella:(\/\/)?/i, "");
  const named = /^(sip|im|pres|mailto):(\/\/)?(.*)$/is.exec(rest);
  if (named) {
    try {
      // Cut before decoding, and only after the @: a user part may itself contain what separates parameters.
      rest = decodeURIComponent((named[3] ?? "").replace(/((@|%40)[^;?&>]*).*$/is, "$1"));
    } catch {
      return null;
    }
    // A SIP URI can carry a password (RFC 3261, 19.1.1); it is no part of the address.
    if (/^sip$/i.test(named[1] ?? "")) {
      rest = rest.replace(/:[^@]*@/, "@").replace(/:\d+$/, "");
    }
  }
  return canonical(rest);
}

/**
 * @param {string} address canonical
 * @returns {string} its `sip:` URI; what RFC 3261 does not allow in a user part is escaped
 */
export function sipUri(address) {
  const at = address.lastIndexOf("@");
  const user = address
    .slice(0, at)
    .replace(/[^a-z0-9\-_.!~*'()&=+$,;?/]/gi, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `sip:${user}@${address.slice(at + 1)}`;
}

/** @param {string} domain */
function asciiDomain(domain) {
  if (!domain || /[\s/\\?#@:[\]%]/.test(domain)) {
    return null;
  }
  try {
    const ascii = new URL(`http://${domain}/`).hostname.replace(/\.$/, "");
    // The URL parser reads a number as an IPv4 address; only what was written that way may come out that way.
    return DOMAIN.test(ascii) && (!/^[\d.]+$/.test(ascii) || ascii === domain) ? ascii : null;
  } catch {
    return null;
  }
}
