/**
 * The user's language. All text is in `_locales`; this is the only way to it.
 */

/**
 * @param {string} key
 * @param {...(string | number)} parts what stands for $1, $2…: set apart, so that a name written from right to left
 *   (or a hostile one) cannot turn the sentence around it
 */
export function t(key, ...parts) {
  return messenger.i18n.getMessage(
    key,
    parts.map((part) => (typeof part === "number" ? format(part) : `\u2068${part}\u2069`)),
  );
}

/**
 * Like `t`, for places where the invisible marks would be text: notifications, the address book.
 * @param {string} key
 * @param {...string} parts
 */
export function plain(key, ...parts) {
  return messenger.i18n.getMessage(key, parts);
}

/**
 * A sentence that depends on a number: `key_one`, `key_other`, as the language's rules choose.
 * @param {string} key
 * @param {number} count
 */
export function plural(key, count) {
  const form = new Intl.PluralRules(language()).select(count);
  return (
    messenger.i18n.getMessage(`${key}_${form}`, [format(count)]) ||
    messenger.i18n.getMessage(`${key}_other`, [format(count)])
  );
}

/** The language of the interface, as a BCP 47 tag. */
export function language() {
  return messenger.i18n.getUILanguage() || "en";
}

/** @param {number} value */
function format(value) {
  return new Intl.NumberFormat(language()).format(value);
}

/**
 * Puts the texts into a page: `data-i18n` is an element's text, `data-i18n-placeholder`, `-title`, `-label` its
 * attributes.
 * @param {Document} document
 */
export function localize(document) {
  document.documentElement.lang = language();
  document.documentElement.dir = messenger.i18n.getMessage("@@bidi_dir") || "ltr";
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.getAttribute("data-i18n") ?? "");
  }
  for (const [data, attribute] of [
    ["data-i18n-placeholder", "placeholder"],
    ["data-i18n-title", "title"],
    ["data-i18n-label", "aria-label"],
  ]) {
    for (const element of document.querySelectorAll(`[${data}]`)) {
      element.setAttribute(String(attribute), t(element.getAttribute(String(data)) ?? ""));
    }
  }
}
