// Layers × steps: a map per scheme, one pixel for each probe of a layer, enlarged by the browser.
const MOST_MAPS = 24;
const DECADES_ABOVE = 6, DECADES = 12; // a scale that fits one exploding scheme would paint all others alike

const heatView = { name: null };
const ZERO = [24, 24, 30], NOT_FINITE = [208, 48, 48];

function heatSection() {
  const names = [...BACKWARD, ...FORWARD].filter((name) => measured(name));
  if (!names.length || !data.layers.some((cell) => cell.steps.length > 1)) return;
  heatView.name = names[0];
  options(byId("heat-quantity"), names.map((name) => [name, QUANTITIES[name].name]), names[0], (value) => { heatView.name = value; redraw(); });
  byId("heat").hidden = false;
  view(drawHeat);
}

function heatRange(cells, log) {
  if (!log) return [0, 1];
  const tops = [];
  let low = Infinity;
  for (const cell of cells) {
    let top = -Infinity;
    for (const value of cell.measured[heatView.name].flat()) {
      if (value === null || value <= 0) continue;
      top = Math.max(top, value);
      low = Math.min(low, value);
    }
    if (top > 0) tops.push(top);
  }
  if (!tops.length) return [0.1, 1];
  tops.sort((a, b) => a - b);
  const high = Math.min(tops[tops.length - 1], tops[(tops.length - 1) >> 1] * 10 ** DECADES_ABOVE);
  return [Math.max(low, high / 10 ** DECADES), high];
}

function drawHeat() {
  const place = byId("maps");
  const cells = visible(data.layers).filter((cell) => cell.measured[heatView.name]);
  const { log, name } = QUANTITIES[heatView.name];
  const [low, high] = heatRange(cells, log);
  const at = log ? (value) => Math.log(value / low) / (Math.log(high / low) || 1) : (value) => value;
  const color = (value) => (value === null ? NOT_FINITE : log && value <= 0 ? ZERO : shade(at(value)));
  byId("heat-scale").replaceChildren(...legend(cells, log, low, high));
  if (!cells.length) return place.replaceChildren(html("p", { class: "empty" }, "Nothing to show: no scheme is switched on that was probed here."));
  const more = cells.length - MOST_MAPS;
  place.replaceChildren(
    ...cells.slice(0, MOST_MAPS).map((cell) => map(cell, name, color)),
    ...(more > 0 ? [html("p", { class: "hint" }, `${more} more: switch schemes off to see them.`)] : []),
  );
}

function legend(cells, log, low, high) {
  const bar = html("canvas", { width: 64, height: 1, "aria-hidden": "true" });
  paint(bar, 64, 1, (x) => shade(x / 63));
  const words = log ? (value) => number(value, 2) : percent;
  const values = cells.flatMap((cell) => cell.measured[heatView.name].flat());
  const some = (test) => values.some(test);
  const notes = [];
  if (log && some((value) => value !== null && value > 0 && value < low)) notes.push("smaller values in the darkest color");
  if (some((value) => value > high * 1.0001)) notes.push("larger ones in the lightest");
  if (log && some((value) => value === 0)) notes.push("black: exactly zero");
  if (some((value) => value === null)) notes.push("red: not finite");
  return [words(low), bar, `${words(high)}${notes.length ? ` (${notes.join("; ")})` : ""}`];
}

function paint(canvas, width, height, color) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) image.data.set([...color(x, y), 255], 4 * (y * width + x));
  }
  context.putImageData(image, 0, 0);
}

function map(cell, quantity, color) {
  const scheme = data.schemes[cell.scheme], table = cell.measured[heatView.name];
  const width = cell.steps.length, height = cell.layers.length;
  const first = cell.layers[0], last = cell.layers[height - 1];
  const canvas = html("canvas", {
    width, height, tabindex: "0", role: "img",
    "aria-label": `${scheme.name}: ${quantity}, layers ${first} to ${last} from top to bottom, steps ${cell.steps[0]} to ${cell.steps[width - 1]} from left to right. Arrow keys read single values.`,
  });
  paint(canvas, width, height, (x, y) => color(table[x][y]));
  const tip = html("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const box = html("div", { class: "heat" },
    html("div", { class: "down" }, html("span", {}, `layer ${first}`), html("span", {}, last)), canvas,
    html("div", { class: "along" }, html("span", {}, `step ${cell.steps[0]}`), html("span", {}, cell.steps[width - 1])), tip);
  let place = null;
  const read = (x, y, aloud) => {
    place = [Math.max(0, Math.min(width - 1, x)), Math.max(0, Math.min(height - 1, y))];
    const [column, row] = place, value = table[column][row];
    const where = `step ${integer(cell.steps[column])}, layer ${cell.layers[row]} (${cell.names[row]})`;
    const text = value === null ? "not finite" : number(value, 2);
    tip.replaceChildren(html("b", {}, text), where);
    tip.hidden = false;
    const across = (column + 0.5) / width;
    tip.style.left = across < 0.5 ? "auto" : "3rem";
    tip.style.right = across < 0.5 ? "0" : "auto";
    if (aloud) say(`${where}: ${text}`);
  };
  canvas.addEventListener("pointermove", (event) => {
    const size = canvas.getBoundingClientRect();
    read(Math.floor(((event.clientX - size.left) / size.width) * width), Math.floor(((event.clientY - size.top) / size.height) * height), false);
  });
  const hide = () => { tip.hidden = true; };
  canvas.addEventListener("pointerleave", hide);
  canvas.addEventListener("blur", hide);
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (event.key === "Escape") hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [x, y] = place || [0, 0], [right, down] = place ? moves[event.key] : [0, 0];
    read(x + right, y + down, true);
  });
  return html("figure", {}, html("figcaption", {}, swatch(scheme), scheme.name), box);
}
