// Tables that sort by any column, and tables made here from rows of [text, value to sort by].
function sortable(table) {
  const head = table.tHead.rows[0], body = table.tBodies[0];
  [...head.cells].forEach((cell, column) => {
    const button = html("button", { type: "button" }, cell.textContent.trim());
    cell.replaceChildren(button);
    cell.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") === "ascending";
      for (const other of head.cells) other.setAttribute("aria-sort", "none");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      order(body, column, down, cell.classList.contains("number"));
      say(`sorted by ${button.textContent.replace(/\s+/g, " ")}, ${down ? "descending" : "ascending"}`);
    });
  });
}

const valueOf = (cell, numeric) => {
  const text = cell.dataset.sort ?? cell.textContent;
  return numeric ? (text === "" ? NaN : text === "inf" ? Infinity : Number(text)) : text;
};

// Stable, with what has no value last in either direction.
function order(body, column, down, numeric) {
  const keyed = [...body.rows].map((row) => [valueOf(row.cells[column], numeric), row]);
  const compare = (a, b) => {
    if (!numeric) return a.localeCompare(b, "en", { numeric: true });
    return a === b ? 0 : a < b ? -1 : 1;
  };
  keyed.sort(([a], [b]) => {
    if (numeric && (Number.isNaN(a) || Number.isNaN(b))) return Number.isNaN(a) - Number.isNaN(b);
    return down ? compare(b, a) : compare(a, b);
  });
  body.append(...keyed.map(([, row]) => row));
}

// columns: [heading, numeric]; rows: cells of [text, sort] or a scheme (an object), which names its row.
// An order that the reader chose outlives the table.
function tableOf(place, columns, rows, caption) {
  const before = place.querySelector("thead [aria-sort=ascending], thead [aria-sort=descending]");
  const chosen = before && [before.cellIndex, before.getAttribute("aria-sort")];
  const cellOf = (cell, index) => {
    if (cell.name !== undefined) return html("th", { scope: "row", "data-sort": cell.name }, swatch(cell), cell.name);
    const [text, sort] = cell;
    return html("td", { class: columns[index][1] ? "number" : null, "data-sort": sort === null || Number.isNaN(sort) ? "" : sort === Infinity ? "inf" : sort }, text);
  };
  const heads = columns.map(([heading, numeric]) => html("th", { scope: "col", class: numeric ? "number" : null }, heading));
  const table = html("table", { class: "sortable" },
    html("caption", {}, caption),
    html("thead", {}, html("tr", {}, heads)),
    html("tbody", {}, rows.map((row) => html("tr", {}, row.map(cellOf)))));
  place.replaceChildren(html("div", { class: rows.length > 30 ? "scroll tall" : "scroll", role: "region", "aria-label": caption, tabindex: "0" }, table));
  sortable(table);
  if (chosen) {
    const cell = table.tHead.rows[0].cells[chosen[0]];
    cell.setAttribute("aria-sort", chosen[1]);
    order(table.tBodies[0], chosen[0], chosen[1] === "descending", columns[chosen[0]][1]);
  }
}
