"use strict";
// The page is complete without this script: it only folds code, sorts tables, enlarges figures and
// marks the current section.

// Light or dark, as the system has it until the reader clicks. The choice is not stored: a page
// opened from a file may not always store anything.
const dark = document.getElementById("dark");
const scheme = document.getElementById("scheme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => dark.media === "screen" || (dark.media !== "not all" && system.matches);
const labelScheme = () => {
  scheme.textContent = isDark() ? scheme.dataset.light : scheme.dataset.dark;
};
scheme.addEventListener("click", () => {
  dark.media = isDark() ? "not all" : "screen";
  labelScheme();
});
system.addEventListener("change", labelScheme);
labelScheme();

// One button for all folded code. Its label says what it will do, also after the reader has
// unfolded the cells one by one.
const unfold = document.getElementById("unfold");
const folds = [...document.querySelectorAll("details.fold")];
if (unfold) {
  const anyFolded = () => folds.some((fold) => !fold.open);
  const labelUnfold = () => {
    unfold.textContent = anyFolded() ? unfold.dataset.folded : unfold.dataset.unfolded;
  };
  unfold.addEventListener("click", () => {
    const open = anyFolded();
    for (const fold of folds) {
      fold.open = open;
    }
    labelUnfold();
  });
  for (const fold of folds) {
    fold.addEventListener("toggle", labelUnfold);
  }
  labelUnfold();
}
for (const tools of document.querySelectorAll(".tools")) {
  tools.hidden = false;
}

// Numbers as people write them. The same text can be two numbers, 1.234 for one: the notation of
// the page's own language is tried first.
const language = document.documentElement.lang;
const english = ["(?:[1-9]\\d{0,2}(?:,\\d{3})+|\\d+)?(?:\\.\\d+)?", /,/g];
const spanish = ["(?:[1-9]\\d{0,2}(?:[.\\s]\\d{3})+|\\d+)?(?:,\\d+)?", /[.\s]/g];
const notations = language.startsWith("es") ? [spanish, english] : [english, spanish];
const missing = /^(?:|[-–—]|nan|none|null|<na>|n\/a)$/i;
const seconds = { ms: 0.001, s: 1, min: 60, h: 3600 };

// "2 h 05 min", "20.5 s"
function duration(text) {
  if (!/^(?:\d+(?:[.,]\d+)?\s*(?:ms|s|min|h)\b\s*)+$/.test(text)) {
    return NaN;
  }
  return [...text.matchAll(/([\d.,]+)\s*([a-z]+)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount.replace(",", ".")) * seconds[unit],
    0,
  );
}

// "+1,234.5", "−3 %", "12 MB", "0.81 (0.79 to 0.83)", "2e-05"
function number(text, [digits, separators]) {
  const pattern = new RegExp(
    `^[~<>≈≤≥]?\\s*([+\\-−±]?)\\s*[$€]?(?=[\\d.,])(${digits})(?:e([+\\-−]?\\d+))?` +
      "\\s*(?:%|[a-zµ]{1,3}\\b)?(?:\\s*(?:±|\\+/-|\\(|\\[).*)?$",
    "i",
  );
  const found = text.match(pattern);
  if (!found || !/\d/.test(found[2])) {
    return infinity(text);
  }
  const [, sign, mantissa, exponent] = found;
  const plain = mantissa.replace(separators, "").replace(",", ".");
  const amount = Number(plain + (exponent ? `e${exponent.replace("−", "-")}` : ""));
  return /[-−]/.test(sign) ? -amount : amount;
}

function infinity(text) {
  if (!/^[+\-−]?(?:inf|∞)$/i.test(text)) {
    return NaN;
  }
  return /^[-−]/.test(text) ? -Infinity : Infinity;
}

// What a column is sorted by: numbers if all its cells are numbers, else text; null where a value
// is missing.
function sortKeys(cells) {
  const texts = cells.map((cell) => {
    const text = cell.dataset.value ?? cell.textContent;
    return text.replace(/[\s\u00a0\u202f]+/g, " ").trim();
  });
  const present = texts.filter((text) => !missing.test(text));
  const parsers = [
    duration,
    ...notations.map((notation) => (text) => number(text, notation)),
    (text) => text,
  ];
  const parse = parsers.find((read) => !present.some((text) => Number.isNaN(read(text))));
  return texts.map((text) => (missing.test(text) ? null : parse(text)));
}

const collator = new Intl.Collator(language, { numeric: true });

// A click on a header sorts up, the next one down, the third restores the original order. Missing
// values come last either way, and equal ones keep their order.
function sort(header, headers, body, original) {
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  const order = next[header.getAttribute("aria-sort") ?? "none"];
  for (const other of headers) {
    other.removeAttribute("aria-sort");
  }
  let rows = original;
  if (order !== "none") {
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const keys = sortKeys(original.map((row) => row.cells[header.cellIndex]));
    rows = original
      .map((row, index) => [keys[index], row])
      .sort(([a], [b]) => {
        if (a === null || b === null) {
          return (a === null) - (b === null);
        }
        return sign * (typeof a === "number" ? (a > b) - (a < b) : collator.compare(a, b));
      })
      .map(([, row]) => row);
  }
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sorts")) {
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const body = table.tBodies[0];
  const original = [...body.rows];
  for (const header of headers) {
    if (!header.textContent.trim() || header.querySelector("a, button, details")) {
      continue;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header, headers, body, original));
  }
}

// Opens a figure in a dialog, as large as the screen has room for; on a small screen larger than
// that, to be scrolled. A <dialog> closes by Esc and gives the focus back.
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
      const copy = image.cloneNode();
      const ratio = image.naturalWidth / image.naturalHeight || 1;
      copy.removeAttribute("width");
      copy.style.width = `max(44rem, min(94vw, ${ratio} * (100vh - 6rem)))`;
      dialog.append(copy);
      dialog.showModal();
      dialog.addEventListener("close", () => copy.remove(), { once: true });
    });
  }
  dialog.addEventListener("click", () => dialog.close());
}

// Marks the section that is being read in the contents.
const contents = document.querySelector(".contents");
const links = contents ? [...contents.querySelectorAll("a")] : [];
const sections = links.map((link) =>
  document.getElementById(decodeURIComponent(link.hash.slice(1))),
);
let waiting = false;

function mark() {
  waiting = false;
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const current =
    atEnd && scrollY
      ? sections.length - 1
      : sections.findLastIndex((section) => section.getBoundingClientRect().top < innerHeight / 4);
  for (const [index, link] of links.entries()) {
    if (index !== current) {
      link.removeAttribute("aria-current");
    } else if (!link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true");
      if (contents.scrollHeight > contents.clientHeight) {
        contents.scrollTop = link.offsetTop - contents.clientHeight / 2;
      }
    }
  }
}

function markOnNextFrame() {
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(mark);
  }
}

if (links.length) {
  addEventListener("scroll", markOnNextFrame, { passive: true });
  addEventListener("resize", mark);
  mark();
}
