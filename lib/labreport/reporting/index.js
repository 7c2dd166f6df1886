// Shows the rows that contain all words, in any order, and have the chosen status and assignment.
const find = document.getElementById("find");
if (find) {
  const selects = {
    status: document.getElementById("status"),
    assignment: document.getElementById("assignment"),
  };
  const shown = document.getElementById("shown");
  const rows = [...document.querySelectorAll("tbody tr")];
  const texts = rows.map((row) => {
    const text = `${row.cells[0].dataset.value} ${row.textContent}`;
    return text.replaceAll("\u200b", "").toLowerCase();
  });

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    for (const [index, row] of rows.entries()) {
      const contained = words.every((word) => texts[index].includes(word));
      const chosen = Object.entries(selects).every(
        ([key, select]) => !select.value || select.value === row.dataset[key],
      );
      row.hidden = !(contained && chosen);
    }
    const count = rows.filter((row) => !row.hidden).length;
    shown.textContent = shown.dataset.template.replace("{shown}", count);
  };

  for (const control of [find, ...Object.values(selects)]) {
    control.addEventListener("input", filter);
  }
  filter();
}
