// Signals by layer at one probed step: measured points, and what theory predicted for these weights before training.
const QUANTITIES = {
  activation_variance: { name: "activation variance", log: true },
  preact_variance: { name: "pre-activation variance", log: true },
  activation_second_moment: { name: "activation second moment", log: true },
  dead_fraction: { name: "share of dead units", log: false },
  saturated_fraction: { name: "share saturated", log: false },
  grad_variance: { name: "gradient variance", log: true },
  weight_grad_variance: { name: "weight-gradient variance", log: true },
};
const FORWARD = ["activation_variance", "preact_variance", "activation_second_moment", "dead_fraction", "saturated_fraction"];
const BACKWARD = ["grad_variance", "weight_grad_variance"];

const layerView = { at: 0, forward: null, backward: null };

const measured = (name) => data.layers.some((cell) => cell.measured[name]);
const probedSteps = () => [...new Set(here(data.layers).flatMap((cell) => cell.steps))].sort((a, b) => a - b);
const moment = (step) => (step === 0 ? "before training" : `after ${integer(step)} updates`);

function layersSection() {
  const forward = FORWARD.filter(measured), backward = BACKWARD.filter(measured);
  if (!forward.length && !backward.length) return;
  const choices = (names) => names.map((name) => [name, QUANTITIES[name].name]);
  layerView.forward = forward[0] || null;
  layerView.backward = backward[0] || null;
  options(byId("forward"), choices(forward), layerView.forward, (value) => { layerView.forward = value; redraw(); });
  options(byId("backward"), choices(backward), layerView.backward, (value) => { layerView.backward = value; redraw(); });
  byId("step").addEventListener("input", () => { layerView.at = Number(byId("step").value); redraw(); });
  byId("layers-details").addEventListener("toggle", redraw);
  const predicted = data.layers.some((cell) => Object.keys(cell.predicted).length);
  byId("layers-text").textContent = "Points: measured on a fixed probe batch, geometric mean over the seeds (arithmetic for shares). " +
    (predicted
      ? "Line: what mean-field theory predicts from the weights as drawn, before training; the shaded range holds 95% of single networks of this width. At later steps it stays as a reference."
      : "Theory made no prediction here, so a thin line joins the points.") +
    " Triangle on the lower edge: exactly zero. Cross on the upper edge: not finite.";
  byId("layers").hidden = false;
  view(drawLayers);
}

function drawLayers() {
  const steps = probedSteps();
  const slider = byId("step");
  slider.max = String(Math.max(0, steps.length - 1));
  slider.disabled = steps.length < 2;
  layerView.at = Math.min(layerView.at, Math.max(0, steps.length - 1));
  slider.value = String(layerView.at);
  const step = steps[layerView.at];
  const words = step === undefined ? "nothing was probed" : moment(step);
  byId("step-text").textContent = words;
  slider.setAttribute("aria-valuetext", words);
  drawSignal(byId("forward-chart"), layerView.forward, step);
  drawSignal(byId("backward-chart"), layerView.backward, step);
  if (byId("layers-details").open) tabulateLayers(step);
}

function drawSignal(host, name, step) {
  const cells = visible(data.layers).filter((cell) => name && cell.measured[name]);
  const now = cells.filter((cell) => cell.steps.includes(step));
  if (!now.length) return empty(host, state.shown.size ? "Nothing was probed here." : "Every scheme is switched off.");
  const { log, name: label } = QUANTITIES[name];
  const all = cells.flatMap((cell) => [...cell.measured[name].flat(), ...(cell.predicted[name] ?? []).flat()]).filter((value) => value !== null);
  const [low, high] = log ? range(all, true) : [0, 1.02];
  const deepest = cells.map((cell) => cell.layers[cell.layers.length - 1]).reduce((a, b) => Math.max(a, b));
  const ticks = linearTicks(1, deepest, 8).filter(([value]) => Number.isInteger(value) && value > 0);
  if (deepest > 1 && ticks.every(([value]) => value !== 1)) ticks.unshift([1, "1"]);
  const chart = plot(host, { height: 350, y: { low, high, log }, x: { low: 0.5, high: deepest + 0.5, label: "layer (the last is the output)", ticks } });
  for (const cell of now) drawProfile(chart, cell, name, step);
  const stops = [...new Set(now.flatMap((cell) => cell.layers))].sort((a, b) => a - b);
  cursor(chart, stops, (layer) => readLayer(now, name, step, layer));
  host.setAttribute("aria-label", `${label} by layer, ${moment(step)}. Left and right arrow keys read the layers; a table follows.`);
}

function drawProfile(chart, cell, name, step) {
  const scheme = data.schemes[cell.scheme];
  const values = cell.measured[name][cell.steps.indexOf(step)];
  const theory = cell.predicted[name];
  if (theory) {
    const known = cell.layers.map((_, index) => index).filter((index) => theory[1][index] !== null && theory[2][index] !== null);
    const pick = (list) => known.map((index) => list[index]);
    if (step === 0) chart.layer.append(svg("path", { class: `band c${scheme.color}`, d: band(chart, pick(cell.layers), pick(theory[1]), pick(theory[2])) }));
    chart.layer.append(svg("path", { class: `line theory c${scheme.color}`, "stroke-dasharray": scheme.dash, d: path(chart, cell.layers, theory[0]) }));
  } else {
    chart.layer.append(svg("path", { class: `line thin c${scheme.color}`, "stroke-dasharray": scheme.dash, d: path(chart, cell.layers, values) }));
  }
  cell.layers.forEach((layer, index) => {
    const value = values[index], at = value === null ? NaN : chart.y(value);
    if (value === null) chart.layer.append(cross(scheme, chart.x(layer), chart.box.top));
    else if (!Number.isFinite(at)) chart.layer.append(marker({ ...scheme, marker: "v" }, chart.x(layer), chart.box.bottom - 2));
    else chart.layer.append(marker(scheme, chart.x(layer), at));
  });
}

function readLayer(cells, name, step, layer) {
  const rows = cells.flatMap((cell) => {
    const index = cell.layers.indexOf(layer);
    if (index < 0) return [];
    const value = cell.measured[name][cell.steps.indexOf(step)][index];
    const theory = step === 0 && cell.predicted[name] ? cell.predicted[name][0][index] : null;
    const text = value === null ? "not finite" : number(value, 2) + (theory === null ? "" : ` (theory ${number(theory, 2)})`);
    return [[data.schemes[cell.scheme], text, value === null ? -Infinity : -value]];
  });
  return { title: `layer ${layer}, ${cells.map((cell) => cell.names[cell.layers.indexOf(layer)]).find(Boolean) || "unnamed"}`, rows };
}

function tabulateLayers(step) {
  const cells = visible(data.layers).filter((cell) => cell.steps.includes(step));
  const names = [layerView.forward, layerView.backward].filter(Boolean);
  const predicted = names.filter((name) => cells.some((cell) => cell.predicted[name]));
  const columns = [["scheme", false], ["layer", true], ["name", false]];
  for (const name of names) {
    columns.push([QUANTITIES[name].name, true]);
    if (predicted.includes(name)) columns.push(["predicted at\nthe start", true], ["measured ÷\npredicted", true]);
  }
  const rows = cells.flatMap((cell) => cell.layers.map((layer, index) => {
    const row = [data.schemes[cell.scheme], [String(layer), layer], [cell.names[index], cell.names[index]]];
    for (const name of names) {
      const value = cell.measured[name] ? cell.measured[name][cell.steps.indexOf(step)][index] : null;
      row.push([value === null ? MISSING : number(value, 2), value]);
      if (!predicted.includes(name)) continue;
      const theory = cell.predicted[name] ? cell.predicted[name][0][index] : null;
      const over = value === null || theory === null ? NaN : value / theory;
      row.push([number(theory, 2), theory], [ratio(over), over]);
    }
    return row;
  }));
  tableOf(byId("layers-table"), columns, rows, `Layers ${moment(step)}, for the schemes that are switched on.`);
}
