// ---- Sorting of tables: all parts of a table have the same order of rows

function sortTable(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const ascendingFirst = column === 0 || "lower" in button.dataset;
  const current = head.getAttribute("aria-sort");
  const ascending = current === "none" ? ascendingFirst : current === "descending";
  const parts = head.closest(".parts");
  for (const other of parts.querySelectorAll("thead th")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value;
  const known = (row) => Number(value(row) !== "");
  const system = (row) => Number(!row.matches(".human"));
  const order = (first, second) => system(second) - system(first) || known(second) - known(first) || (value(first) - value(second)) * (ascending ? 1 : -1);
  const places = Array.from(body.rows).sort(order).map(rowNumber);
  for (const { tBodies: [part] } of parts.querySelectorAll("table")) {
    const rows = new Map(Array.from(part.rows, (row) => [rowNumber(row), row]));
    part.append(...places.map((place) => rows.get(place)));
  }
}

/** The number of a row in the order of the page. */
const rowNumber = (row) => row.cells[0].dataset.value;
