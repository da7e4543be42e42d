/**
 * Building elements. Text goes in as text: nothing here, or anywhere in the add-on, reads a string as HTML.
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes] `on…`
 *   takes a listener; `false`, null and undefined leave the attribute out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  return fill(element, ...children);
}

/**
 * @template {Element} Kind
 * @param {Kind} element
 * @param {...Child} children take the place of what is in it
 * @returns {Kind}
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child instanceof Node || typeof child === "string"));
  return element;
}

/**
 * @param {string} id of an element that the page has
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) {
    throw new Error(`the page has no #${id}`);
  }
  return element;
}

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byIdAs(id, kind) {
  const element = byId(id);
  if (!(element instanceof kind)) {
    throw new Error(`#${id} is no ${kind.name}`);
  }
  return element;
}

/**
 * A small picture from `icons/`, drawn in the colour of the text. With words it is an image to a screen reader,
 * without it is decoration.
 * @param {string} name
 * @param {string} [words]
 */
export function icon(name, words) {
  return el("span", {
    class: `icon icon-${name}`,
    ...(words ? { role: "img", "aria-label": words, title: words } : { "aria-hidden": "true" }),
  });
}

/**
 * Text whose author chose its direction: kept from turning what stands around it.
 * @param {string} text
 * @param {Record<string, string>} [attributes]
 */
export function bdi(text, attributes = {}) {
  return el("bdi", attributes, text);
}

/**
 * Arrow keys, Home and End move within a list in which one item takes part in the tab order.
 * @param {HTMLElement} list
 * @param {string} selector of the items
 */
export function rovingFocus(list, selector) {
  list.addEventListener("keydown", (event) => {
    const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(selector)]);
    const at = items.findIndex((item) => item === document.activeElement || item.contains(document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    const item = to === undefined ? undefined : items[Math.max(0, Math.min(to, items.length - 1))];
    if (item && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      setTabStop(items, item);
      item.focus();
      item.scrollIntoView({ block: "nearest" });
    }
  });
}

/**
 * @param {HTMLElement[]} items
 * @param {HTMLElement | undefined} stop the one that Tab reaches
 */
export function setTabStop(items, stop) {
  for (const item of items) {
    item.tabIndex = item === stop ? 0 : -1;
  }
}
