// Shows the rows that contain all words, in any order, and have the chosen status and assignment.
const find = document.getElementById("find");
if (find) {
  const chosen = { status: document.getElementById("status"), assignment: document.getElementById("assignment") }, shown = document.getElementById("shown");
  const rows = [...document.querySelectorAll("tbody tr")], texts = rows.map((row) => `${row.cells[0].dataset.value} ${row.textContent}`.replaceAll("\u200b", "").toLowerCase());
  const filter = () => {
    const wanted = find.value.toLowerCase().split(/\s+/);
    for (const [place, row] of rows.entries()) {
      row.hidden = !wanted.every((word) => texts[place].includes(word)) || Object.entries(chosen).some(([key, select]) => select.value && select.value !== row.dataset[key]);
    }
    shown.textContent = shown.dataset.template.replace("{shown}", rows.filter((row) => !row.hidden).length);
  };
  for (const control of [find, ...Object.values(chosen)]) control.addEventListener("input", filter);
  filter();
}
