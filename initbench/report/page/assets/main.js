// The page: sections in order, theme, copying, and what a change of size or a printer asks for.
const THEMES = ["auto", "light", "dark"];

function themes() {
  const root = document.documentElement, button = byId("theme");
  const stored = () => { try { return localStorage.getItem("initbench-theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("initbench-theme", theme); } catch { /* a file may not store */ } };
  const set = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    button.textContent = `Theme: ${theme}`;
    button.dataset.theme = theme;
  };
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(button.dataset.theme) + 1) % THEMES.length];
    set(next);
    keep(next);
  });
  button.hidden = false;
  set(THEMES.includes(stored()) ? stored() : "auto");
}

function copying() {
  const button = byId("copy"), text = byId("yaml");
  if (!text) return;
  const select = () => {
    getSelection().selectAllChildren(text);
    return document.execCommand("copy");
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    let copied = true;
    try { await navigator.clipboard.writeText(text.textContent); } catch { copied = select(); }
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    say(copied ? "Copied" : "Selected; press Control C");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

function contents() {
  for (const section of document.querySelectorAll("section[data-title]:not([hidden])")) {
    byId("sections").append(html("a", { href: `#${section.id}` }, section.dataset.title));
  }
}

// Tables unfold for the printer, and fold again.
function printing() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")].filter((details) => details.id !== "trials-details");
    folded.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
}

byId("unscripted").remove();
themes();
controls();
curvesSection();
reachedSection();
layersSection();
heatSection();
sweepSection();
trialsSection();
contents();
copying();
printing();
document.querySelectorAll("table.sortable").forEach(sortable);
views.forEach((draw) => draw());

let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
