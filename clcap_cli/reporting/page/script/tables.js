// ---- Sorting of tables

function sortTable(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const ascendingFirst = column === 0 || "lower" in button.dataset;
  const current = head.getAttribute("aria-sort");
  const ascending = current === "none" ? ascendingFirst : current === "descending";
  for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value;
  const known = (row) => Number(value(row) !== "");
  const system = (row) => Number(!row.matches(".human"));
  const order = (first, second) => system(second) - system(first) || known(second) - known(first) || (value(first) - value(second)) * (ascending ? 1 : -1);
  body.append(...Array.from(body.rows).sort(order));
}
