/**
 * QR codes: drawn on the page, and found in a picture. Thunderbird lets no page at the camera, so that the code comes
 * as a photo or a screenshot.
 */

import { decodeQR } from "../../node_modules/qr/decode.js";
import { encodeQR } from "../../node_modules/qr/index.js";
import { codeText } from "../key-code.js";

/** @import { Address } from "../protocol.js" */

const SVG = "http://www.w3.org/2000/svg";
/** The empty border that a reader needs, in modules (ISO/IEC 18004). */
const QUIET = 4;
/** Sides that a picture is reduced to, in pixels: the code may fill it, or be small in a large one. */
const SIDES = [800, 1600, 2800];
/** For so long a picture is tried harder, in milliseconds. The library's own limit is that of a film's frame. */
const PATIENCE_MS = 1000;
/** No photo is larger. */
const LARGEST = 32 * 1024 * 1024;

/**
 * @param {Address} address
 * @param {string} key
 * @param {string} words what it is, for who does not see it
 * @returns {SVGElement} dark on light in every theme: not every reader takes the reverse
 */
export function keyPicture(address, key, words) {
  const rows = encodeQR(codeText(address, key), "raw", { ecc: "medium", border: QUIET });
  const side = rows.length;
  const modules = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  const svg = part("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": words, class: "key-picture" });
  svg.append(
    part("rect", { width: side, height: side, fill: "#fff" }),
    part("path", { d: modules.join(""), fill: "#000", "shape-rendering": "crispEdges" }),
  );
  return svg;
}

/**
 * @param {Blob} picture
 * @returns {Promise<string | null>} the text of the code in it; null if there is none, or this is no picture
 */
export async function readPicture(picture) {
  if (picture.size > LARGEST) {
    return null;
  }
  let image;
  try {
    image = await createImageBitmap(picture);
  } catch {
    return null;
  }
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    try {
      return decodeQR(pixels(image, scale), { timeLimit: PATIENCE_MS });
    } catch {
      // None is found at this size.
    }
    if (scale === 1) {
      break;
    }
  }
  return null;
}

/**
 * @param {ImageBitmap} image
 * @param {number} scale
 */
function pixels(image, scale) {
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) {
    throw new Error("no canvas to look at the picture with");
  }
  // What is transparent counts as paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElement}
 */
function part(name, attributes) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, String(value));
  }
  return element;
}
