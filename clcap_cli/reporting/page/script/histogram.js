// ---- Histogram of an axis over images

const MAX_BINS = 40;

function drawHistogram() {
  const axis = axisOf(state.histogram);
  const values = images.map(axis.value);
  const bins = binsOf(axis, finite(values));
  const found = new Set(state.found);
  count(bins, values, () => true, "images");
  count(bins, values, (position) => found.has(images[position]), "listed");
  const chart = histogramChart(axis, bins);
  frames.histogram.setAttribute("aria-label", histogramText(axis, finite(values)));
  showChart(frames.histogram, chart, axis, { label: "Images (solid: in the list)", hint: "" });
  const scale = chart.scale("x");
  const brush = d3.brushX().extent([[scale.range[0], 10], [scale.range[1], chart.scale("y").range[0]]]);
  addBrush(chart, brush, state.ranges[axis.key] ? rangeOnScreen(scale, barLimits(axis)) : null, ({ selection }) => {
    setRange(axis.key, ...(selection ? rangeOfBins(axis, bins, selection.map(scale.invert)) : [-Infinity, Infinity]));
  });
}

/** The edges of the selected bars; those of ranks and counts are halfway between neighbouring values. */
function barLimits(axis) {
  const [low, high] = limitsOf(axis.key);
  return [low - axis.step / 2, high + axis.step / 2];
}

/** The range of all bins that a selection touches. */
function rangeOfBins(axis, bins, [low, high]) {
  const first = bins.findLast((bin) => bin.from <= low) ?? bins[0];
  const last = bins.find((bin) => bin.to >= high) ?? bins.at(-1);
  return [firstOf(axis, first), lastOf(axis, last)];
}

/** The smallest and the largest value of a bin. */
const firstOf = ({ step }, { from }) => from + step / 2;
const lastOf = ({ step }, { to }) => to - step / 2;

/** Bins of about equal width on the axis; one of those of changes is centred on 0. */
function binsOf(axis, values) {
  const [low, high] = d3.extent(values);
  const limits = axis.type === "linear" ? linearLimits(axis, low, high) : rankLimits(axis, low, high);
  return d3.pairs(limits, (from, to) => ({ from, to }));
}

function linearLimits(axis, low, high) {
  if (high - low < 1e-6 && !axis.step) return [low, low + 1];
  // A bin of an odd number of counts has one of them in its middle.
  const width = axis.step ? Math.max(1, d3.tickIncrement(low, high, MAX_BINS)) | 1 : d3.tickStep(low, high, MAX_BINS);
  const shift = axis.step || axis.role === "change" ? 0.5 : 0;
  const [first, last] = [low, high].map((value) => Math.floor(value / width + shift));
  return d3.range(first, last + 2).map((number) => Number(((number - shift) * width).toPrecision(12)));
}

/** Edges of the bins 1, 2 to 3, 4 to 7, … of ranks; changes have 0 and the same bins on both sides of it. */
function rankLimits({ role, step }, low, high) {
  const doublings = Math.ceil(Math.log2(Math.max(Math.abs(low), Math.abs(high), 1) + 1));
  const above = d3.range(1, doublings + 1).map((power) => 2 ** power - step / 2);
  const all = role === "change" ? [...above.map((edge) => -edge).reverse(), -step / 2, step / 2, ...above] : [1 - step / 2, ...above];
  return all.slice(all.findLastIndex((edge) => edge <= low), all.findIndex((edge) => edge > high) + 1);
}

function count(bins, values, isCounted, name) {
  const place = d3.bisector((bin) => bin.from).right;
  for (const bin of bins) bin[name] = 0;
  values.forEach((value, position) => {
    if (Number.isFinite(value) && isCounted(position)) bins[Math.max(0, place(bins, value) - 1)][name] += 1;
  });
}

function histogramChart(axis, bins) {
  const bar = { x1: "from", x2: "to", inset: 0.5, fill: "currentColor" };
  const tip = { x1: "from", x2: "to", y: "images", title: (bin) => binText(axis, bin), ...tipStyle };
  return Plot.plot({
    ...chartStyle(frames.histogram.clientWidth || 480),
    marginBottom: 24,
    x: scaleOf(axis, [bins[0].from, bins.at(-1).to], frames.histogram.clientWidth),
    y: { label: null, grid: true, ticks: 5 },
    marks: [
      Plot.rectY(bins, { ...bar, y: "images", fillOpacity: 0.2 }),
      Plot.rectY(bins, { ...bar, y: "listed", fillOpacity: 0.65 }),
      Plot.ruleY([0]),
      Plot.tip(bins, Plot.pointerX(tip)),
    ],
  });
}

function binText(axis, bin) {
  const { images: all, listed } = bin;
  const [first, last] = [firstOf(axis, bin), lastOf(axis, bin)].map(valueText);
  const range = first === last ? first : `${first} to ${last}`;
  return `${range}\n${imagesText(all)}${listed === all ? "" : `, ${valueText(listed)} in the list`}`;
}

const imagesText = (number) => (number === 1 ? "1 image" : `${number.toLocaleString("en")} images`);

function histogramText(axis, values) {
  const [low, high] = d3.extent(values).map(valueText);
  return `Histogram of ${axis.label} over ${imagesText(values.length)}: from ${low} to ${high}, median ${valueText(d3.median(values))}.`;
}
