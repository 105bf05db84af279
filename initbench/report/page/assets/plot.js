// An empty chart with its axes, and the cursor that reads values off it by pointer or keyboard.

// axes: {low, high, log, label, ticks?}; returns {node, layer, x, y, box} with x and y from values to pixels.
function plot(host, { height = 330, x, y, left = 58, right = 24, top = 14 }) {
  const width = Math.max(260, host.clientWidth || 640);
  const box = { left, right: width - right, top, bottom: height - 44 };
  const scale = (axis, from, to) => (axis.log ? logarithmic : linear)(axis.low, axis.high, from, to);
  const px = scale(x, box.left, box.right), py = scale(y, box.bottom, box.top);
  const ticksOf = (axis, count) => axis.ticks || (axis.log ? logTicks : linearTicks)(axis.low, axis.high, count);
  const node = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const [value, text] of ticksOf(y, 6)) {
    const at = py(value);
    if (at < box.top - 1 || at > box.bottom + 1) continue;
    node.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: at, y2: at }));
    node.append(svg("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, text));
  }
  let taken = -Infinity;
  for (const [value, text] of ticksOf(x, width < 480 ? 4 : 8)) {
    const at = px(value), half = 3.6 * text.length;
    if (at < box.left - 1 || at > box.right + 1) continue;
    node.append(svg("line", { class: "edge", x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4 }));
    if (at - half < taken) continue; // no label over another
    taken = at + half + 6;
    node.append(svg("text", { x: at, y: box.bottom + 18, "text-anchor": "middle" }, text));
  }
  node.append(svg("line", { class: "edge", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  node.append(svg("text", { class: "axis", x: (box.left + box.right) / 2, y: height - 7, "text-anchor": "middle" }, x.label));
  if (y.label) {
    const middle = (box.top + box.bottom) / 2;
    node.append(svg("text", { class: "axis", "text-anchor": "middle", transform: `translate(13 ${middle}) rotate(-90)` }, y.label));
  }
  const clip = `clip-${host.id}`;
  node.append(svg("clipPath", { id: clip }, svg("rect", { x: box.left - 1, y: box.top - 6, width: box.right - box.left + 8, height: box.bottom - box.top + 12 })));
  const layer = svg("g", { "clip-path": `url(#${clip})` });
  node.append(layer);
  host.replaceChildren(node);
  return { host, node, layer, x: px, y: py, box, width };
}

// A path through points; one without a place (null, or not positive on a log axis) interrupts it.
function path(chart, xs, ys) {
  let text = "", pen = "M";
  xs.forEach((value, index) => {
    const at = ys[index] === null ? NaN : chart.y(ys[index]);
    if (!Number.isFinite(at)) { pen = "M"; return; }
    text += `${pen}${chart.x(value).toFixed(1)} ${Math.max(-1e4, Math.min(1e4, at)).toFixed(1)}`;
    pen = "L";
  });
  return text;
}

function band(chart, xs, low, high) {
  const floor = (value) => { const at = chart.y(value); return Number.isFinite(at) ? Math.max(-1e4, Math.min(1e4, at)) : chart.box.bottom; };
  const along = xs.map((value, index) => `${chart.x(value).toFixed(1)} ${floor(high[index]).toFixed(1)}`);
  const back = xs.map((value, index) => `${chart.x(value).toFixed(1)} ${floor(low[index]).toFixed(1)}`).reverse();
  return xs.length ? `M${along.join("L")}L${back.join("L")}Z` : "";
}

const TIP_ROWS = 12;

// Reads a chart at its stops (values on the x axis). at(stop) gives {title, rows: [[scheme, text, order]]}.
function cursor(chart, stops, at) {
  const { host } = chart;
  host.tabIndex = 0;
  host.setAttribute("role", "group");
  host.setAttribute("aria-roledescription", "chart");
  host.setAttribute("aria-label", `${host.dataset.label}. Left and right arrow keys read the values; a table of them follows or is named below.`);
  let place = -1;
  const line = svg("line", { class: "cursor", y1: chart.box.top, y2: chart.box.bottom, visibility: "hidden" });
  const tip = html("div", { class: "tip", "aria-hidden": "true", hidden: true });
  chart.node.append(line);
  host.append(tip);
  const hide = () => { place = -1; tip.hidden = true; line.setAttribute("visibility", "hidden"); };
  const show = (index, aloud) => {
    place = index;
    const found = at(stops[index]);
    const rows = found.rows.sort((a, b) => a[2] - b[2]);
    const more = rows.length - TIP_ROWS;
    tip.replaceChildren(
      html("b", {}, found.title),
      ...rows.slice(0, TIP_ROWS).map(([scheme, text]) => html("div", {}, swatch(scheme), html("span", {}, scheme.name), html("span", {}, text))),
      ...(more > 0 ? [html("div", {}, `and ${more} more`)] : []),
    );
    const x = chart.x(stops[index]), stretch = host.clientWidth / chart.width;
    line.setAttribute("x1", x); line.setAttribute("x2", x); line.setAttribute("visibility", "visible");
    tip.hidden = false;
    const room = host.clientWidth - tip.offsetWidth;
    const beside = x * stretch + 14;
    tip.style.left = `${Math.max(0, beside <= room ? beside : x * stretch - tip.offsetWidth - 14)}px`;
    if (aloud) say(`${found.title}: ${rows.map(([scheme, text]) => `${scheme.name} ${text}`).join(", ")}`);
  };
  chart.node.addEventListener("pointermove", (event) => {
    if (!stops.length) return;
    const x = (event.clientX - chart.node.getBoundingClientRect().left) * (chart.width / host.clientWidth);
    let best = 0;
    stops.forEach((stop, index) => { if (Math.abs(chart.x(stop) - x) < Math.abs(chart.x(stops[best]) - x)) best = index; });
    if (best !== place) show(best, false);
  });
  chart.node.addEventListener("pointerleave", hide);
  host.onblur = hide;
  host.onkeydown = (event) => {
    const moves = { ArrowRight: place + 1, ArrowLeft: place < 0 ? stops.length - 1 : place - 1, Home: 0, End: stops.length - 1 };
    if (event.key === "Escape") hide();
    if (!(event.key in moves) || !stops.length) return;
    event.preventDefault();
    show(Math.max(0, Math.min(stops.length - 1, moves[event.key])), true);
  };
}

function empty(host, text) {
  host.onkeydown = null;
  host.removeAttribute("tabindex");
  host.replaceChildren(html("p", { class: "empty" }, text));
}
