// Elements by tag, attributes and children. Children are nodes or text: nothing that comes from data is ever markup.
const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Tell a screen reader; what is said again is said anew.
function say(text) {
  const place = byId("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

// Radio buttons in a fieldset that stands in the page.
function radios(fieldset, choices, chosen, choose) {
  for (const [value, text] of choices) {
    const input = html("input", {
      type: "radio", name: fieldset.id, value, checked: value === chosen, on: { change: () => choose(value) },
    });
    fieldset.append(html("label", { class: "radio" }, input, html("span", {}, text)));
  }
}

// The options of a select that stands in the page.
function options(select, choices, chosen, choose) {
  select.replaceChildren(...choices.map(([value, text]) => html("option", { value, selected: value === chosen }, text)));
  select.onchange = () => choose(select.value);
}

const MARKERS = {
  o: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
  s: "M-3.6-3.6h7.2v7.2h-7.2z",
  "^": "M0-4.6L4.3 3.4H-4.3z",
  v: "M0 4.6L4.3-3.4H-4.3z",
  D: "M0-4.8L4.8 0 0 4.8-4.8 0z",
  P: "M-1.5-4.3h3v2.8h2.8v3h-2.8v2.8h-3v-2.8h-2.8v-3h2.8z",
  X: "M-4-2.2L-2.2-4 0-1.8 2.2-4 4-2.2 1.8 0 4 2.2 2.2 4 0 1.8-2.2 4-4 2.2-1.8 0z",
  "*": "M0-5L1.2-1.6 4.8-1.5 1.9.6 2.9 4 0 1.9-2.9 4-1.9.6-4.8-1.5-1.2-1.6z",
};
const marker = (scheme, x, y) =>
  svg("path", { class: `mark c${scheme.color}`, d: MARKERS[scheme.marker], transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
const cross = (scheme, x, y) =>
  svg("path", { class: `cross c${scheme.color}`, d: "M-4-4L4 4M4-4L-4 4", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
const swatch = (scheme) => html("span", { class: `swatch c${scheme.color}` });
