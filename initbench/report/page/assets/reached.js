// Steps to the target: a row per scheme, a dot per trial, the median, and a column for those that never got there.
const ROW = 34, DOTS_APART = 5;

function reachedSection() {
  if (!data.reached.length || data.budget === null) return;
  byId("reached").hidden = false;
  view(drawReached);
}

function drawReached() {
  const host = byId("reached-chart");
  const cells = visible(data.reached);
  if (!cells.length) return empty(host, "Every scheme is switched off.");
  const narrow = (host.clientWidth || 640) < 560;
  const longest = cells.map((cell) => data.schemes[cell.scheme].name.length).reduce((a, b) => Math.max(a, b));
  const left = narrow ? 14 : Math.min(220, 24 + 7 * longest), row = narrow ? ROW + 16 : ROW;
  const height = 62 + row * cells.length;
  const chart = plot(host, {
    height, left, right: narrow ? 104 : 170, top: 18,
    x: { low: 0, high: data.budget, label: "step (updates)" }, y: { low: 0, high: 1, ticks: [] },
  });
  const never = chart.box.right + 16;
  if (cells.some((cell) => cell.missed + cell.diverged + cell.failed)) chart.node.append(svg("text", { x: never, y: 11, class: "axis" }, "never reached"));
  cells.forEach((cell, index) => drawRow(chart, cell, chart.box.top + row * (index + 0.5) + (narrow ? 9 : 0), { narrow, never, left }));
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", cells.map(describe).join("; "));
}

function describe(cell) {
  const median = cell.median === null ? "median not reached" : `median ${integer(cell.median)} steps`;
  return `${data.schemes[cell.scheme].name}: ${cell.steps.length} of ${cell.trials} reached ${data.target.text}, ${median}`;
}

function drawRow(chart, cell, middle, { narrow, never, left }) {
  const scheme = data.schemes[cell.scheme];
  const name = scheme.name.length > 30 ? `${scheme.name.slice(0, 29)}…` : scheme.name;
  const label = narrow ? { x: chart.box.left, y: middle - 14 } : { x: left - 12, y: middle + 4, "text-anchor": "end" };
  chart.node.append(svg("line", { class: "grid", x1: chart.box.left, x2: chart.box.right, y1: middle, y2: middle }));
  chart.node.append(svg("text", { class: "name", ...label }, name));
  if (cell.median !== null) {
    const x = chart.x(cell.median);
    chart.node.append(svg("line", { class: `median c${scheme.color}`, x1: x, x2: x, y1: middle - 11, y2: middle + 11 }));
  }
  const taken = new Map();
  for (const steps of cell.steps) {
    const x = chart.x(steps), slot = Math.round(x / 6);
    const rank = taken.get(slot) || 0;
    taken.set(slot, rank + 1);
    const shift = Math.min(11, Math.ceil(rank / 2) * DOTS_APART) * (rank % 2 ? -1 : 1);
    const dot = marker(scheme, x, middle + shift);
    dot.append(svg("title", {}, `${scheme.name}: ${integer(steps)} steps`));
    chart.node.append(dot);
  }
  const words = [[cell.missed, "missed"], [cell.diverged, "diverged"], [cell.failed, "failed"]].filter(([count]) => count);
  const text = words.map(([count, what]) => (narrow ? `${count} ${what}` : `${count} of ${cell.trials} ${what}`));
  if (narrow || text.length < 2) text.forEach((line, index) => chart.node.append(svg("text", { x: never, y: middle + 4 + 13 * (index - (text.length - 1) / 2) }, line)));
  else chart.node.append(svg("text", { x: never, y: middle + 4 }, words.map(([count, what]) => `${count} ${what}`).join(", ")));
}
