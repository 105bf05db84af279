// Learning curves: mean, band, survivors of a divergence, and the target.
const METRICS = { train_loss: "Train loss", test_loss: "Test loss", test_accuracy: "Test accuracy" };
const LOG_FROM = 30; // largest over smallest loss beyond which a linear axis would hide the small ones

const curveView = { metric: null, scale: "linear" };

function curvesSection() {
  const present = Object.keys(METRICS).filter((name) => data.curves[name]);
  if (!present.length) return;
  curveView.metric = present.includes(data.target.metric) ? data.target.metric : present[0];
  curveView.scale = spread(data.curves[curveView.metric]) > LOG_FROM ? "log" : "linear";
  radios(byId("metric"), present.map((name) => [name, METRICS[name]]), curveView.metric, (value) => { curveView.metric = value; redraw(); });
  radios(byId("scale"), [["linear", "Linear"], ["log", "Log"]], curveView.scale, (value) => { curveView.scale = value; redraw(); });
  byId("curves").hidden = false;
  view(drawCurves);
}

// Trials that did not diverge set the scale: next to a loss of 1e9 nothing else could be seen.
function heights(curves) {
  const calm = curves.filter((curve) => !curve.diverged.length);
  const ranged = (calm.length ? calm : curves).flatMap((curve) => [...curve.low, ...curve.high]);
  const alone = curves.flatMap((curve) => curve.alone.flatMap((one) => one.values));
  return ranged.length ? ranged : alone;
}
function spread(curves) {
  const positive = heights(curves).filter((value) => value > 0);
  return positive.length ? positive.reduce((a, b) => Math.max(a, b)) / positive.reduce((a, b) => Math.min(a, b)) : 1;
}

function drawCurves() {
  const host = byId("curves-chart");
  const curves = visible(data.curves[curveView.metric]);
  if (!curves.length) return empty(host, state.shown.size ? "No curve was recorded here." : "Every scheme is switched off.");
  const log = curveView.scale === "log", accuracy = curveView.metric.endsWith("accuracy");
  const target = data.target.metric === curveView.metric ? data.target.value : null;
  const values = heights(curves);
  const [low, high] = range(target === null ? values : [...values, target], log);
  const y = { low, high, log, label: METRICS[curveView.metric] };
  if (accuracy && !log) Object.assign(y, { low: 0, high: 1.02, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => [value, `${Math.round(100 * value)}%`]) });
  const last = Math.max(1, ...curves.flatMap((curve) => [...curve.steps.slice(-1), ...curve.diverged, ...curve.alone.flatMap((one) => one.steps.slice(-1))]));
  const chart = plot(host, { height: 380, y, x: { low: 0, high: last, label: "step (updates)" } });
  for (const curve of curves) {
    const scheme = data.schemes[curve.scheme];
    if (curve.seeds > 1) chart.layer.append(svg("path", { class: `band c${scheme.color}`, d: band(chart, curve.steps, curve.low, curve.high) }));
  }
  for (const curve of curves) drawCurve(chart, curve);
  if (target !== null) drawTarget(chart, target);
  const stops = [...new Set(curves.flatMap((curve) => [...curve.steps, ...curve.alone.flatMap((one) => one.steps)]))].sort((a, b) => a - b);
  cursor(chart, stops, (step) => readCurves(curves, step, accuracy));
}

function drawCurve(chart, curve) {
  const scheme = data.schemes[curve.scheme];
  const stroke = { "stroke-dasharray": scheme.dash };
  chart.layer.append(svg("path", { class: `line c${scheme.color}`, ...stroke, d: path(chart, curve.steps, curve.mean) }));
  for (const one of curve.alone) chart.layer.append(svg("path", { class: `line thin c${scheme.color}`, ...stroke, d: path(chart, one.steps, one.values) }));
  const every = Math.max(1, Math.ceil(curve.steps.length / 7)), first = curve.scheme % every;
  curve.steps.forEach((step, index) => {
    const at = chart.y(curve.mean[index]);
    if (index % every === first && at >= chart.box.top && at <= chart.box.bottom) chart.layer.append(marker(scheme, chart.x(step), at));
  });
  for (const step of curve.diverged) chart.layer.append(cross(scheme, chart.x(step), chart.box.top + 2));
}

function drawTarget(chart, target) {
  const at = chart.y(target);
  if (!Number.isFinite(at)) return;
  chart.node.append(svg("line", { class: "target", x1: chart.box.left, x2: chart.box.right, y1: at, y2: at }));
  chart.node.append(svg("text", { class: "note-text", x: chart.box.right - 4, y: at - 6, "text-anchor": "end" }, data.target.text));
}

// The last value at or before a step: curves are logged together, but may be thinned apart.
function valueAt(steps, values, step) {
  let found = null;
  for (let index = 0; index < steps.length && steps[index] <= step; index += 1) found = values[index];
  return found;
}

function readCurves(curves, step, accuracy) {
  const words = accuracy ? percent : number;
  const rows = curves.flatMap((curve) => {
    const scheme = data.schemes[curve.scheme];
    const ended = curve.steps.length === 0 || step > curve.steps[curve.steps.length - 1];
    const mean = ended ? null : valueAt(curve.steps, curve.mean, step);
    if (mean !== null) return [[scheme, words(mean), accuracy ? -mean : mean]];
    if (!ended) return [];
    const gone = curve.diverged.filter((end) => end <= step).length;
    return gone ? [[scheme, `diverged ${gone}/${curve.seeds}`, Infinity]] : [];
  });
  return { title: `step ${integer(step)}`, rows };
}
