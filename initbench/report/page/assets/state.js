// What the reader has chosen, in one place; views say what they depend on by being drawn again.
const data = JSON.parse(byId("data").textContent);
const MANY_SCHEMES = 12, FIRST_SHOWN = 8;

const state = { shown: new Set(), setting: 0 };
const views = [];
const view = (draw) => { views.push(draw); };

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; views.forEach((draw) => draw()); });
}

const here = (cells) => cells.filter((cell) => cell.setting === state.setting);
const visible = (cells) => here(cells).filter((cell) => state.shown.has(cell.scheme));

// A page with very many schemes opens with those that reached the target first; all others are a click away.
function firstSchemes() {
  const all = data.schemes.map((_, index) => index);
  if (all.length <= MANY_SCHEMES) return all;
  const best = new Map(all.map((index) => [index, Infinity]));
  for (const cell of data.reached) if (cell.median !== null) best.set(cell.scheme, Math.min(best.get(cell.scheme), cell.median));
  return all.sort((a, b) => (best.get(a) === best.get(b) ? a - b : best.get(a) - best.get(b))).slice(0, FIRST_SHOWN);
}

// A sweep opens at the setting in which most trials reached the target; of several, at the first.
function firstSetting() {
  const reached = data.settings.map(() => 0);
  for (const cell of data.reached) reached[cell.setting] += cell.steps.length;
  return Math.max(0, reached.indexOf(Math.max(...reached)));
}

function sample(scheme) {
  const line = svg("line", { class: `line c${scheme.color}`, x1: 0, x2: 26, y1: 6, y2: 6, "stroke-dasharray": scheme.dash });
  return svg("svg", { width: 26, height: 12, viewBox: "0 0 26 12", "aria-hidden": "true" }, line, marker(scheme, 13, 6));
}

function controls() {
  const place = byId("schemes");
  const buttons = data.schemes.map((scheme, index) =>
    html("button", { type: "button", class: "scheme", on: { click: () => toggle([index], !state.shown.has(index)) } }, sample(scheme), html("span", {}, scheme.name)));
  const press = () => buttons.forEach((button, index) => button.setAttribute("aria-pressed", state.shown.has(index)));
  const toggle = (indices, on) => {
    indices.forEach((index) => (on ? state.shown.add(index) : state.shown.delete(index)));
    byId("few").hidden = true;
    press();
    redraw();
  };
  firstSchemes().forEach((index) => state.shown.add(index));
  place.append(...buttons);
  if (data.schemes.length > 1) {
    const every = data.schemes.map((_, index) => index);
    place.append(html("button", { type: "button", class: "plain", on: { click: () => toggle(every, true) } }, "All"));
    place.append(html("button", { type: "button", class: "plain", on: { click: () => toggle(every, false) } }, "None"));
  }
  press();
  if (state.shown.size < data.schemes.length) {
    byId("few").textContent = `The ${state.shown.size} schemes that reached the target first are switched on, of ${data.schemes.length}.`;
    byId("few").hidden = false;
  }
  if (data.settings.length > 1) {
    byId("setting-label").hidden = false;
    state.setting = firstSetting();
    options(byId("setting"), data.settings.map((name, index) => [String(index), name]), String(state.setting), (value) => {
      state.setting = Number(value);
      redraw();
    });
  }
  byId("controls").hidden = data.schemes.length === 0;
}
