"use strict";
// The page is whole without this: it only folds, sorts, enlarges and marks what is there.

// Light or dark, as the system has it until somebody says otherwise. It is not remembered: a file may not always.
const dark = document.getElementById("dark"), scheme = document.getElementById("scheme"), system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => dark.media === "screen" || (dark.media !== "not all" && system.matches);
const nameScheme = () => { scheme.textContent = isDark() ? scheme.dataset.light : scheme.dataset.dark; };
scheme.addEventListener("click", () => { dark.media = isDark() ? "not all" : "screen"; nameScheme(); });
system.addEventListener("change", nameScheme);
nameScheme();

// One button for all folded code; it says what it will do, also after somebody has unfolded one cell after the other.
const unfold = document.getElementById("unfold"), folds = [...document.querySelectorAll("details.fold")];
if (unfold) {
  const folded = () => folds.some((fold) => !fold.open);
  const nameUnfold = () => { unfold.textContent = folded() ? unfold.dataset.folded : unfold.dataset.unfolded; };
  unfold.addEventListener("click", () => { const open = folded(); for (const fold of folds) fold.open = open; nameUnfold(); });
  for (const fold of folds) fold.addEventListener("toggle", nameUnfold);
  nameUnfold();
}
for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;

// Numbers as people write them. The same text can be two numbers, 1.234 for one; the page's own language is asked first.
const language = document.documentElement.lang, english = ["(?:[1-9]\\d{0,2}(?:,\\d{3})+|\\d+)?(?:\\.\\d+)?", /,/g], spanish = ["(?:[1-9]\\d{0,2}(?:[.\\s]\\d{3})+|\\d+)?(?:,\\d+)?", /[.\s]/g];
const notations = language.startsWith("es") ? [spanish, english] : [english, spanish];
const missing = /^(?:|[-–—]|nan|none|null|<na>|n\/a)$/i, seconds = { ms: 0.001, s: 1, min: 60, h: 3600 };

function duration(text) { // "2 h 05 min", "20.5 s"
  if (!/^(?:\d+(?:[.,]\d+)?\s*(?:ms|s|min|h)\b\s*)+$/.test(text)) return NaN;
  return [...text.matchAll(/([\d.,]+)\s*([a-z]+)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount.replace(",", ".")) * seconds[unit], 0);
}

function number(text, [digits, groups]) { // "+1,234.5", "−3 %", "12 MB", "0.81 (0.79 to 0.83)", "2e-05"
  const found = text.match(new RegExp(`^[~<>≈≤≥]?\\s*([+\\-−±]?)\\s*[$€]?(?=[\\d.,])(${digits})(?:e([+\\-−]?\\d+))?\\s*(?:%|[a-zµ]{1,3}\\b)?(?:\\s*(?:±|\\+/-|\\(|\\[).*)?$`, "i"));
  if (!found || !/\d/.test(found[2])) return /^[+\-−]?(?:inf|∞)$/i.test(text) ? (/^[-−]/.test(text) ? -Infinity : Infinity) : NaN;
  const amount = Number(found[2].replace(groups, "").replace(",", ".") + (found[3] ? `e${found[3].replace("−", "-")}` : ""));
  return /[-−]/.test(found[1]) ? -amount : amount;
}

// What the cells of a column are sorted by: numbers where all of them are, else words; null where there is nothing.
function keys(cells) {
  const texts = cells.map((cell) => (cell.dataset.value ?? cell.textContent).replace(/[\s\u00a0\u202f]+/g, " ").trim());
  const present = texts.filter((text) => !missing.test(text));
  const way = [duration, ...notations.map((notation) => (text) => number(text, notation))].find((read) => !present.some((text) => Number.isNaN(read(text))));
  return texts.map((text) => (missing.test(text) ? null : way ? way(text) : text));
}

const words = new Intl.Collator(language, { numeric: true });

// Once up, once down, and back to how it was; what is missing comes last both times, and equals stay as they were.
function sort(header, headers, body, original) {
  const order = { none: "ascending", ascending: "descending", descending: "none" }[header.getAttribute("aria-sort") ?? "none"];
  for (const other of headers) other.removeAttribute("aria-sort");
  let rows = original;
  if (order !== "none") {
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1, values = keys(original.map((row) => row.cells[header.cellIndex]));
    rows = original.map((row, place) => [values[place], row]).sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" ? (a > b) - (a < b) : words.compare(a, b));
    }).map(([, row]) => row);
  }
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sorts")) {
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells], body = table.tBodies[0], original = [...body.rows];
  for (const header of headers) {
    if (!header.textContent.trim() || header.querySelector("a, button, details")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header, headers, body, original));
  }
}

// A figure in a window of its own, as large as the screen has room for; on a small one larger than that, to be moved about. A <dialog> closes by Esc and gives the focus back.
const dialog = document.getElementById("enlarged");
if (dialog) {
  for (const image of document.querySelectorAll("figure img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.setAttribute("aria-haspopup", "dialog");
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => {
      const copy = image.cloneNode(), ratio = image.naturalWidth / image.naturalHeight || 1;
      copy.removeAttribute("width");
      copy.style.width = `max(44rem, min(94vw, ${ratio} * (100vh - 6rem)))`;
      dialog.append(copy);
      dialog.showModal();
      dialog.addEventListener("close", () => copy.remove(), { once: true });
    });
  }
  dialog.addEventListener("click", () => dialog.close());
}

// The section that is being read is marked in the contents.
const contents = document.querySelector(".contents"), links = contents ? [...contents.querySelectorAll("a")] : [];
const sections = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
let waiting = false;

function mark() {
  waiting = false;
  const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const place = end && scrollY ? sections.length - 1 : sections.findLastIndex((section) => section.getBoundingClientRect().top < innerHeight / 4);
  for (const [number, link] of links.entries()) {
    if (number !== place) link.removeAttribute("aria-current");
    else if (!link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true");
      if (contents.scrollHeight > contents.clientHeight) contents.scrollTop = link.offsetTop - contents.clientHeight / 2;
    }
  }
}

if (links.length) {
  addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(mark); } }, { passive: true });
  addEventListener("resize", mark);
  mark();
}
