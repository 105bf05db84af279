// A sweep: an outcome along one axis, as lines and as a map of axis × scheme; with two axes, a map of both per scheme.
const OUTCOMES = {
  steps_to_target: { name: "steps to target (median)", short: "steps", less: true, log: false, words: integer },
  final_train_loss: { name: "final train loss (mean)", short: "loss", less: true, log: true, words: number },
  final_test_loss: { name: "final test loss (mean)", short: "loss", less: true, log: true, words: number },
  final_test_accuracy: { name: "final test accuracy (mean)", short: "accuracy", less: false, log: false, words: percent },
};
const UNEVEN = 20; // largest over smallest value of an axis from which it is drawn on a log scale

const sweepView = { axis: 0, outcome: null };

function sweepSection() {
  if (!data.sweep) return;
  const { axes, cells } = data.sweep;
  const known = Object.keys(OUTCOMES).filter((name) => cells.some((cell) => cell[name] !== null));
  const longest = axes.map((axis) => axis.values.length);
  sweepView.axis = longest.indexOf(Math.max(...longest));
  sweepView.outcome = known.includes("final_train_loss") ? "final_train_loss" : known[0];
  if (!known.length) return;
  options(byId("axis"), axes.map((axis, index) => [String(index), axis.title]), String(sweepView.axis), (value) => { sweepView.axis = Number(value); redraw(); });
  byId("axis-label").hidden = axes.length < 2;
  options(byId("outcome"), known.map((name) => [name, OUTCOMES[name].name]), sweepView.outcome, (value) => { sweepView.outcome = value; redraw(); });
  byId("sweep").hidden = false;
  view(drawSweep);
}

// The cells along the chosen axis that agree with the chosen setting in all others.
function slice() {
  const { cells } = data.sweep;
  const fixed = cells.find((cell) => cell.setting === state.setting)?.at ?? [];
  return cells.filter((cell) => state.shown.has(cell.scheme) && cell.at.every((place, axis) => axis === sweepView.axis || place === fixed[axis]));
}

// The schemes of some cells, in the order in which they were typed.
const schemesOf = (cells) => [...new Set(cells.map((cell) => cell.scheme))].sort((a, b) => a - b);

const better = (a, b) => (OUTCOMES[sweepView.outcome].less ? a < b : a > b);

// The best value; null where a single scheme was tried, which is no winner.
function bestOf(cells) {
  let best = null;
  if (cells.length < 2) return best;
  for (const cell of cells) {
    const value = cell[sweepView.outcome];
    if (value !== null && (best === null || better(value, best))) best = value;
  }
  return best;
}

function wordsOf(cell) {
  if (!cell) return "not tried";
  const { words } = OUTCOMES[sweepView.outcome];
  if (cell[sweepView.outcome] !== null) return words(cell[sweepView.outcome]);
  return cell.state === "diverged" || cell.state === "failed" ? cell.state : sweepView.outcome === "steps_to_target" ? "not reached" : MISSING;
}

function drawSweep() {
  const { axes, cells } = data.sweep;
  const axis = axes[sweepView.axis];
  const fixed = cells.find((cell) => cell.setting === state.setting)?.at ?? [];
  const others = axes.map((other, index) => (index === sweepView.axis ? null : `${other.title}=${other.values[fixed[index]]}`)).filter(Boolean);
  byId("sweep-text").textContent = `Each scheme ${axis.numbers ? "along" : "by"} ${axis.title}` + (others.length ? `, at ${others.join(", ")} (choose the setting above)` : "") +
    ". A cross on the upper edge marks a value at which a scheme has no result: the target was missed, or its trials diverged or failed.";
  const drawn = slice();
  drawSweepLines(axis, drawn);
  drawSweepTable(axis, drawn);
  drawSweepMaps();
}

function drawSweepLines(axis, drawn) {
  const host = byId("sweep-chart");
  if (!drawn.length) return empty(host, "Every scheme is switched off.");
  const { name, log, words } = OUTCOMES[sweepView.outcome];
  const values = drawn.map((cell) => cell[sweepView.outcome]).filter((value) => value !== null);
  const wide = log && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > LOG_FROM;
  const [low, high] = range(values, wide);
  const accuracy = sweepView.outcome.endsWith("accuracy");
  const y = accuracy ? { low: 0, high: 1.02, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => [value, `${Math.round(100 * value)}%`]) } : { low, high, log: wide };
  const places = placesOf(axis);
  const air = axis.values.length > 1 ? 0.06 * (places[places.length - 1] - places[0]) : 0.5;
  const x = { low: places[0] - air, high: places[places.length - 1] + air, label: axis.title, ticks: axis.values.map((value, index) => [places[index], value]) };
  const chart = plot(host, { height: 340, x, y: { ...y, label: name } });
  for (const index of schemesOf(drawn)) {
    const scheme = data.schemes[index];
    const own = drawn.filter((cell) => cell.scheme === index).sort((a, b) => a.at[sweepView.axis] - b.at[sweepView.axis]);
    const xs = own.map((cell) => places[cell.at[sweepView.axis]]), ys = own.map((cell) => cell[sweepView.outcome]);
    chart.layer.append(svg("path", { class: `line c${scheme.color}`, "stroke-dasharray": scheme.dash, d: path(chart, xs, ys) }));
    xs.forEach((value, at) => {
      const shift = 5 * (index % 5 - 2);
      if (ys[at] === null) chart.layer.append(cross(scheme, chart.x(value) + shift, chart.box.top + 2));
      else chart.layer.append(marker(scheme, chart.x(value), chart.y(ys[at])));
    });
  }
  cursor(chart, places, (place) => {
    const at = places.indexOf(place);
    const rows = drawn.filter((cell) => cell.at[sweepView.axis] === at).map((cell) => {
      const value = cell[sweepView.outcome];
      return [data.schemes[cell.scheme], value === null ? wordsOf(cell) : words(value), value === null ? Infinity : accuracy ? -value : value];
    });
    return { title: `${axis.title} ${axis.values[at]}`, rows };
  });
}

// Positions of an axis' values: their logarithms where they span decades, themselves, or their order if not numbers.
function placesOf(axis) {
  if (!axis.numbers) return axis.values.map((_, index) => index);
  const low = Math.min(...axis.numbers), high = Math.max(...axis.numbers);
  return low > 0 && high / low >= UNEVEN ? axis.numbers.map(Math.log10) : axis.numbers;
}

function shades(cells) {
  const values = cells.map((cell) => cell && cell[sweepView.outcome]).filter((value) => value !== null && value !== undefined);
  const log = OUTCOMES[sweepView.outcome].log && values.every((value) => value > 0);
  const map = log ? Math.log : (value) => value;
  const low = map(Math.min(...values)), high = map(Math.max(...values));
  return (value) => {
    const fraction = (map(value) - low) / (high - low || 1);
    return shade(0.12 + 0.88 * (OUTCOMES[sweepView.outcome].less ? 1 - fraction : fraction));
  };
}

function colored(td, cell, color) {
  const value = cell && cell[sweepView.outcome];
  if (value !== null && value !== undefined) {
    const ground = color(value);
    td.style.background = css(ground);
    td.style.color = ink(ground);
  }
  return td;
}

function drawSweepTable(axis, drawn) {
  const place = byId("sweep-map");
  const schemes = schemesOf(drawn);
  if (!schemes.length) return place.replaceChildren();
  const color = shades(drawn);
  const reference = schemes.includes(data.reference) ? data.reference : schemes[0];
  const rows = axis.values.map((value, at) => {
    const row = schemes.map((scheme) => drawn.find((cell) => cell.scheme === scheme && cell.at[sweepView.axis] === at));
    const best = bestOf(row.filter(Boolean));
    const held = row[schemes.indexOf(reference)];
    const over = held && held[sweepView.outcome] ? best / held[sweepView.outcome] : NaN;
    return html("tr", {}, html("th", { scope: "row", "data-sort": axis.numbers ? axis.numbers[at] : value }, value),
      row.map((cell) => {
        const won = cell && best !== null && cell[sweepView.outcome] === best;
        const sort = cell && cell[sweepView.outcome] !== null ? cell[sweepView.outcome] : "inf";
        return colored(html("td", { class: won ? "number best" : "number", "data-sort": sort }, wordsOf(cell), won ? " ★" : null), cell, color);
      }),
      html("td", { class: "number", "data-sort": Number.isNaN(over) ? "" : over }, best === null ? MISSING : ratio(over)));
  });
  const table = html("table", { class: "sortable map" },
    html("caption", {}, `${OUTCOMES[sweepView.outcome].name}; lighter is better, ★ the best of a row, where two were tried. Last column: the best over ${data.schemes[reference].name}.`),
    html("thead", {}, html("tr", {}, html("th", { scope: "col", class: axis.numbers ? "number" : null }, axis.title),
      schemes.map((scheme) => html("th", { scope: "col", class: "number" }, data.schemes[scheme].name)),
      html("th", { scope: "col", class: "number" }, `best ÷ ${data.schemes[reference].name}`))),
    html("tbody", {}, rows));
  place.replaceChildren(html("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `${OUTCOMES[sweepView.outcome].name} by ${axis.title} and scheme` }, table));
  sortable(table);
}

function drawSweepMaps() {
  const place = byId("sweep-maps");
  const { axes, cells } = data.sweep;
  if (axes.length < 2) return place.replaceChildren();
  const [down, across] = sweepView.axis === 0 ? [1, 0] : [0, sweepView.axis];
  const fixed = cells.find((cell) => cell.setting === state.setting)?.at ?? [];
  const plane = cells.filter((cell) => state.shown.has(cell.scheme) && cell.at.every((value, axis) => axis === down || axis === across || value === fixed[axis]));
  const color = shades(plane);
  const at = (own, row, column) => own.filter((cell) => cell.at[down] === row && cell.at[across] === column);
  const grid = (caption, fillCell) => html("figure", {}, html("figcaption", {}, caption), html("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `map of ${axes[down].title} and ${axes[across].title}` },
    html("table", { class: "map" },
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, `${axes[down].title} \\ ${axes[across].title}`), axes[across].values.map((value) => html("th", { scope: "col" }, value)))),
      html("tbody", {}, axes[down].values.map((value, row) => html("tr", {}, html("th", { scope: "row" }, value), axes[across].values.map((_, column) => fillCell(row, column))))))));
  const winners = grid("best scheme of each cell", (row, column) => {
    const own = at(plane, row, column), best = bestOf(own);
    const won = best === null ? null : own.filter((cell) => cell[sweepView.outcome] === best);
    return colored(html("td", {}, won ? won.map((cell) => data.schemes[cell.scheme].name).join(", ") : own.length === 1 ? "" : own.length ? "none" : "not tried"), won && won[0], color);
  });
  const schemes = schemesOf(plane).slice(0, MOST_MAPS);
  place.replaceChildren(winners, ...schemes.map((index) => grid([swatch(data.schemes[index]), data.schemes[index].name], (row, column) => {
    const cell = at(plane.filter((one) => one.scheme === index), row, column)[0];
    return colored(html("td", {}, wordsOf(cell)), cell, color);
  })));
}
