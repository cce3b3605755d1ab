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
  frames.histogram.replaceChildren(chart);
  const scale = chart.scale("x");
  const brush = d3.brushX().extent([[scale.range[0], 10], [scale.range[1], chart.scale("y").range[0]]]);
  addBrush(chart, brush, state.ranges[axis.key] ? rangeOnScreen(scale, barLimits(axis)) : null, ({ selection }) => {
    setRange(axis.key, ...(selection ? rangeOfBins(axis, bins, selection.map(scale.invert)) : [-Infinity, Infinity]));
  });
}

/** The limits of the selected bars; the bar of a whole number ends at the next one. */
function barLimits(axis) {
  const [low, high] = limitsOf(axis.key);
  return [low, axis.isWhole ? high + 1 : high];
}

/** The range of all bins that a selection touches. */
function rangeOfBins(axis, bins, [low, high]) {
  const first = bins.findLast((bin) => bin.from <= low) ?? bins[0];
  const last = bins.find((bin) => bin.to >= high) ?? bins.at(-1);
  return [first.from, lastOf(axis, last)];
}

/** The largest value of a bin. */
const lastOf = (axis, { to }) => (axis.isWhole ? to - 1 : to);

/** Bins of equal width on the axis; those of whole numbers have whole limits. */
function binsOf(axis, values) {
  const [low, high] = d3.extent(values);
  const limits = axis.type === "linear" ? linearLimits(axis, low, high) : rankLimits(low, high);
  return d3.pairs(limits, (from, to) => ({ from, to }));
}

function linearLimits(axis, low, high) {
  if (high - low < 1e-6) return [low, low + 1];
  const step = axis.isWhole ? Math.max(1, d3.tickIncrement(low, high, MAX_BINS)) : d3.tickStep(low, high, MAX_BINS);
  const first = Math.floor(low / step);
  return d3.range(first, Math.floor(high / step) + 2).map((number) => Number((number * step).toPrecision(12)));
}

/** 1, 2, 3, … with growing steps up to the largest rank, and their negatives for changes. */
function rankLimits(low, high) {
  const largest = Math.max(Math.abs(low), Math.abs(high)) + 1;
  const growth = Math.max(1.1, largest ** (2 / MAX_BINS));
  const limits = [1];
  while (limits.at(-1) < largest) limits.push(Math.max(limits.at(-1) + 1, Math.round(limits.at(-1) * growth)));
  const all = low >= 1 ? limits : [...limits.map((limit) => 1 - limit).reverse(), ...limits];
  const before = all.findLastIndex((limit) => limit <= low);
  return all.slice(before, all.findIndex((limit) => limit > high) + 1);
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
    marginTop: 24,
    x: scaleOf(axis, [bins[0].from, bins.at(-1).to]),
    y: { label: "Images (solid: in the list)", grid: true, ticks: 5 },
    marks: [
      Plot.rectY(bins, { ...bar, y: "images", fillOpacity: 0.2 }),
      Plot.rectY(bins, { ...bar, y: "listed", fillOpacity: 0.65 }),
      Plot.ruleY([0]),
      Plot.tip(bins, Plot.pointerX(tip)),
    ],
  });
}

function binText(axis, bin) {
  const { from, images: all, listed } = bin;
  const last = lastOf(axis, bin);
  const range = from === last ? valueText(from) : `${valueText(from)} to ${valueText(last)}`;
  return `${range}\n${imagesText(all)}${listed === all ? "" : `, ${valueText(listed)} in the list`}`;
}

const imagesText = (number) => (number === 1 ? "1 image" : `${number.toLocaleString("en")} images`);

function histogramText(axis, values) {
  const [low, high] = d3.extent(values).map(valueText);
  return `Histogram of ${axis.label} over ${imagesText(values.length)}: from ${low} to ${high}, median ${valueText(d3.median(values))}.`;
}
