/**
 * Just enough of vCard (RFC 6350 and 2426) to read a contact and to change single lines of it: every line that is not
 * ours passes through as it came.
 */

/**
 * @typedef {object} Line
 * @property {string} name upper case, without its group
 * @property {string} head everything before the colon, as written
 * @property {string} value raw: still escaped
 */

/**
 * @param {string} vCard
 * @returns {Line[]} one for each content line, unfolded
 */
export function parse(vCard) {
  return vCard
    .replace(/\r?\n[ \t]/g, "")
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => {
      const colon = endOfHead(line);
      const head = line.slice(0, colon);
      const name = (head.split(";", 1)[0] ?? "").replace(/^.*\./, "").toUpperCase();
      return { name, head, value: line.slice(colon + 1) };
    });
}

/**
 * @param {Line[]} lines
 * @returns {string} unfolded; Thunderbird folds when it stores
 */
export function print(lines) {
  return lines.map(({ head, value }) => `${head}:${value}\r\n`).join("");
}

/**
 * @param {Line[]} lines
 * @param {string} name
 * @returns {string[]} the text of every line of that name
 */
export function texts(lines, name) {
  return lines.filter((line) => line.name === name).map((line) => unescape(line.value));
}

/**
 * The lines with new ones put before the end.
 * @param {Line[]} lines
 * @param {...Line} added
 */
export function add(lines, ...added) {
  const end = lines.findLastIndex((line) => line.name === "END");
  return lines.toSpliced(end < 0 ? lines.length : end, 0, ...added);
}

/**
 * @param {string} name
 * @param {string} value raw
 * @param {string} [parameters] such as `;VALUE=URI`
 * @returns {Line}
 */
export function line(name, value, parameters = "") {
  return { name, head: name + parameters, value };
}

/** @param {string} text */
export function escape(text) {
  return text.replace(/[\\,;]/g, "\\$&").replace(/\r?\n/g, "\\n");
}

/** @param {string} value */
export function unescape(value) {
  return value.replace(/\\(.)/gs, (_, character) => (/n/i.test(character) ? "\n" : character));
}

/**
 * The colon that ends name and parameters; one inside a quoted parameter does not.
 * @param {string} line
 */
function endOfHead(line) {
  let quoted = false;
  for (let index = 0; index < line.length; index++) {
    if (line[index] === '"') {
      quoted = !quoted;
    } else if (line[index] === ":" && !quoted) {
      return index;
    }
  }
  return line.length;
}
