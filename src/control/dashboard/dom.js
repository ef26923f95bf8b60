// Making and changing elements, and writing figures for people.
//
// Everything shown comes from labels that anybody on the swarm may have written. It gets into
// the page as text nodes and attribute values only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with a class, attributes and children (elements or strings; null is left out). */
export function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Changes text only when it differs: an unchanged page costs no layout and no announcement. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Sets an attribute, or takes it away for null. */
export function setAttr(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

const LEAVING_MS = 450;
const lists = new WeakMap();

/**
 * Makes the children of `container` those of `items`, in their order, touching what is there.
 *
 * `make(item)` gives `{ node, update(item) }`. New nodes fade in (not those of the first list),
 * nodes whose item is gone fade out and are then removed.
 */
export function keep(container, items, keyOf, make) {
  const isFirst = !lists.has(container);
  const known = isFirst ? new Map() : lists.get(container);
  lists.set(container, known);

  const wanted = new Set(items.map(keyOf));
  for (const [key, part] of known) {
    if (!wanted.has(key)) {
      known.delete(key);
      leave(part.node);
    }
  }
  let place = firstStaying(container.firstElementChild);
  for (const item of items) {
    const key = keyOf(item);
    let part = known.get(key);
    if (!part) {
      part = make(item);
      known.set(key, part);
      if (!isFirst) part.node.classList.add("entering");
    }
    part.update(item);
    if (part.node === place) place = firstStaying(place.nextElementSibling);
    else container.insertBefore(part.node, place);
  }
}

function firstStaying(node) {
  while (node && node.classList.contains("leaving")) node = node.nextElementSibling;
  return node;
}

function leave(node) {
  node.classList.remove("entering");
  node.classList.add("leaving");
  if (node.dataset.state) node.dataset.state = "gone";
  setTimeout(() => node.remove(), LEAVING_MS);
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** `12,345`, from a million on `1.23M`. */
export const count = (n) => (n < 1e6 ? whole : compact).format(n);

/** A rate: digits where they matter. */
export const rate = (n) => (n > 0 && n < 100 ? short : n < 1e6 ? whole : compact).format(n);

export const percent = (part) => `${Math.round(part * 100)} %`;

/** `850 µs`, `3.2 ms`, `1.5 s`. */
export function millis(ms) {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `8 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most. */
export function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  if (seconds < 1) return "0 s";
  const [name, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
  const head = `${Math.floor(seconds / size)} ${name}`;
  return rest > 0 ? `${head} ${rest} ${next[0]}` : head;
}

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
