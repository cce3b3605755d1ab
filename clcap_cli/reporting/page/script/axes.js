// ---- Values of an image: metrics of the run "before" or "after", and their changes

const ROLES = ["after", "before", "change"];

/** Tied images share the middle of their ranks, such as 5.5. */
const rankStep = images.some(({ results }) => results.some((result) => (result?.rank ?? 0) % 1)) ? 0.5 : 1;

/** Metrics of single images by name; ``step`` is the distance of neighbouring values, and ``of`` gives the value in a run, or null or undefined if it is unknown. */
const imageMetrics = new Map([
  ["rank", { label: "Rank", direction: -1, isRank: true, step: rankStep, of: (image, run) => image.results[run]?.rank }],
  ["CIDEr", { label: "CIDEr", direction: 1, of: (image, run) => image.results[run]?.cider }],
  ...data.metrics.map(({ name, ...metric }) => [name, { ...metric, of: (image, run) => runs[run].metrics[name]?.[image.position] }]),
  ["length", { label: "Caption length in words", step: 1, of: (image, run) => wordCount(image.results[run]) }],
]);

const wordCount = (result) => result && (result.caption.match(WORD)?.length ?? 0);

/** The axis "METRIC.ROLE", such as "CIDEr.change"; null if there is none. */
function axisOf(key) {
  const dot = key.lastIndexOf(".");
  const metric = imageMetrics.get(key.slice(0, dot));
  const role = key.slice(dot + 1);
  if (!metric || !ROLES.includes(role)) return null;
  const value = (image) => valueOnAxis(metric, role, image);
  const hint = role === "change" && metric.direction ? ` (${metric.direction > 0 ? "above" : "below"} 0: better)` : "";
  return { key, metric, role, value, hint, step: metric.step ?? 0, type: axisType(metric, role), label: axisLabel(metric, role) };
}

function valueOnAxis(metric, role, image) {
  if (role !== "change") return metric.of(image, state[role]) ?? NaN;
  if (metric.isRank && !runs[state.before].comparable[state.after]) return NaN;
  return rounded((metric.of(image, state.after) ?? NaN) - (metric.of(image, state.before) ?? NaN));
}

/** A difference without the error of floating-point subtraction. */
const rounded = (difference) => Number(difference.toFixed(6));

function axisType(metric, role) {
  if (!metric.isRank) return "linear";
  return role === "change" ? "symlog" : "log";
}

function axisLabel({ label }, role) {
  if (runs.length === 1) return label;
  if (role !== "change") return `${label} of ${runs[state[role]].name}`;
  return `Change of ${lowerFirst(label)}, ${runs[state.before].name} → ${runs[state.after].name}`;
}

const lowerFirst = (label) => (/^[A-Z][a-z]+\b/.test(label) ? label[0].toLowerCase() + label.slice(1) : label);

/** The axes on which at least one image has a value. */
function availableAxes() {
  if (!images.length) return [];
  const roles = runs.length === 1 ? ["after"] : ROLES;
  return roles.flatMap((role) => Array.from(imageMetrics.keys(), (name) => axisOf(`${name}.${role}`)))
    .filter((axis) => images.some((image) => Number.isFinite(axis.value(image))));
}

/** Fill a select element with the axes, after the options that it has in the page. */
function fillAxes(select, chosen) {
  for (const option of select.querySelectorAll("[data-axis]")) option.remove();
  select.append(...availableAxes().map(({ key, label }) => {
    const option = new Option(label, key);
    option.dataset.axis = "";
    return option;
  }));
  select.value = chosen;
}

/** The axes of the charts at the start: ranks and their change if there are any, otherwise the first axes. */
function defaultAxes() {
  const keys = availableAxes().map(({ key }) => key);
  const first = (...wanted) => wanted.find((key) => keys.includes(key)) ?? keys[0];
  const histogram = first("rank.change", "rank.after", "CIDEr.change", "CIDEr.after");
  const x = first("rank.before", "rank.after", "CIDEr.before");
  const y = keys.includes("rank.before") ? "rank.after" : first("CIDEr.after", ...keys.filter((key) => key !== x));
  return { histogram, x, y };
}
