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

const metricNames = (run) => Array.from(imageMetrics.keys()).filter((name) => images.some((image) => Number.isFinite(imageMetrics.get(name).of(image, run))));

function exportCsv() {
  const metrics = runs.map((_, run) => metricNames(run));
  const references = d3.max(state.found, (image) => image.references.length) ?? 0;
  const head = ["image_id", "file_name",
    ...runs.flatMap(({ name }, run) => [`${name}: caption`, ...metrics[run].map((metric) => `${name}: ${metric}`)]),
    ...d3.range(references).map((number) => `reference ${number + 1}`)];
  const rows = state.found.map((image) => [image.id, image.name,
    ...runs.flatMap((_, run) => [image.results[run]?.caption, ...metrics[run].map((metric) => imageMetrics.get(metric).of(image, run) ?? NaN)]),
    ...d3.range(references).map((number) => image.references[number])]);
  save("csv", "text/csv", [head, ...rows].map((row) => `${row.map(csvCell).join(",")}\n`).join(""));
}

function exportJson() {
  const metrics = runs.map((_, run) => metricNames(run));
  const records = state.found.map((image) => ({
    image_id: image.id, file_name: image.name, references: image.references,
    predictions: Object.fromEntries(runs.flatMap(({ name }, run) => (image.results[run] ? [[name, predictionRecord(image, run, metrics[run])]] : []))),
  }));
  save("json", "application/json", `${JSON.stringify(records, null, 1)}\n`);
}

function predictionRecord(image, run, metrics) {
  const values = metrics.map((metric) => [metric, imageMetrics.get(metric).of(image, run) ?? null]);
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
