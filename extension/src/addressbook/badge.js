/**
 * The picture that shows a contact's status in the address book, where the contact has no photo: the letter that
 * Thunderbird would show, with a dot. It begins with words of ours, so that it is known again as ours without a memory.
 */

/** @import { Presence } from "../protocol.js" */

// 66 bytes, a multiple of three: what follows does not change how these are written in Base64.
const SIGNATURE = '<svg xmlns="http://www.w3.org/2000/svg" class="corella-presence"  ';
const PREFIX = `data:image/svg+xml;base64,${btoa(SIGNATURE)}`;

/** Each status has its colour and its shape: colour alone would say nothing to many. */
const SHAPES = {
  online: '<circle cx="69" cy="69" r="14" fill="#1d9a45"/>',
  away: '<circle cx="69" cy="69" r="14" fill="#d97706"/><path d="M69 61v9h7" stroke="#fff" stroke-width="4" fill="none"/>',
  busy: '<circle cx="69" cy="69" r="14" fill="#c62828"/><path d="M61 69h16" stroke="#fff" stroke-width="5"/>',
};

/**
 * @param {Presence} status
 * @param {string} name the contact's; its first letter is shown
 * @returns {string | null} a `data:` URL; nothing for someone who is not there
 */
export function badge(status, name) {
  if (status === "offline") {
    return null;
  }
  const svg = `${SIGNATURE}viewBox="0 0 96 96"><style>.b{fill:#d9d9de}.l{fill:#1a202c}.r{fill:#feffff}
@media (prefers-color-scheme:dark){.b{fill:#3d4d67}.l{fill:#eeeef0}.r{fill:#1a202c}}</style>
<rect class="b" width="96" height="96"/><text class="l" x="46" y="62" font-family="sans-serif" font-size="44"
 text-anchor="middle">${initial(name)}</text><circle class="r" cx="69" cy="69" r="18"/>${SHAPES[status]}</svg>`;
  const bytes = new TextEncoder().encode(svg);
  return `data:image/svg+xml;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

/**
 * @param {string} url what a contact's PHOTO holds
 * @returns {boolean} whether we made it
 */
export function isBadge(url) {
  return url.startsWith(PREFIX);
}

/** @param {string} name */
function initial(name) {
  // Letters and digits only, as Thunderbird does; so nothing here can be markup.
  return (/[\p{Letter}\p{Nd}]/u.exec(name.normalize())?.[0] ?? "").toUpperCase();
}
