// ---- Export of the listed images

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;

/** A cell of a CSV file that no spreadsheet takes for a formula: an apostrophe before it makes it text. */
function csvCell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const isFormula = FORMULA.test(value ?? "") && !NUMBER.test(value);
  const text = isFormula ? `'${value}` : value ?? "";
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The metrics that a run has for at least one image. */
const metricsOf = (run) => Array.from(imageMetrics).filter(([, { of }]) => images.some((image) => Number.isFinite(of(image, run))));

function exportCsv() {
  const references = d3.range(d3.max(state.found, (image) => image.references.length) ?? 0);
  const columns = [
    ["image_id", ({ id }) => id],
    ["file_name", ({ name }) => name],
    ...runs.flatMap((_, run) => columnsOf(run)),
    ...references.map((number) => [`reference ${number + 1}`, (image) => image.references[number]]),
  ];
  const rows = state.found.map((image) => columns.map(([, value]) => value(image)));
  save("csv", "text/csv", [columns.map(([name]) => name), ...rows].map((row) => `${row.map(csvCell).join(",")}\n`).join(""));
}

/** The columns of a run: its caption and its metrics. */
function columnsOf(run) {
  const metrics = metricsOf(run).map(([name, { of }]) => [`${runs[run].name}: ${name}`, (image) => of(image, run) ?? NaN]);
  return [[`${runs[run].name}: caption`, (image) => image.results[run]?.caption], ...metrics];
}

function exportJson() {
  const metrics = runs.map((_, run) => metricsOf(run));
  const predicted = (image) => Array.from(runs.keys()).filter((run) => image.results[run]);
  const records = state.found.map((image) => ({
    image_id: image.id, file_name: image.name, references: image.references,
    predictions: Object.fromEntries(predicted(image).map((run) => [runs[run].name, predictionRecord(image, run, metrics[run])])),
  }));
  save("json", "application/json", `${JSON.stringify(records, null, 1)}\n`);
}

function predictionRecord(image, run, metrics) {
  const values = metrics.map(([name, { of }]) => [name, of(image, run) ?? null]);
  return { caption: image.results[run].caption, ...Object.fromEntries(values) };
}

function save(suffix, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  link.download = `${state.found.length}_images.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

byId("export-csv").addEventListener("click", exportCsv);
byId("export-json").addEventListener("click", exportJson);
