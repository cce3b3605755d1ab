// ---- Charts over images: what they share

const frames = { histogram: byId("histogram"), scatter: byId("scatter") };

const finite = (values) => values.filter(Number.isFinite);

/** Options of an axis of Plot; ranks are logarithmic, and so are their changes on both sides of 0. */
function scaleOf({ type }, domain, width = Infinity) {
  if (type === "linear") return { type, label: null, domain, ticks: 6 };
  return { type, label: null, domain, ticks: roundTicks(domain, width / PIXELS_PER_TICK), tickFormat: ",d" };
}

const PIXELS_PER_TICK = 30;

/** 0, 1, 2, 5, 10, … and their negatives, as far as they are in the domain; powers of ten if these are too many. */
function roundTicks([low, high], most) {
  const above = logTicks(Math.max(Math.abs(low), Math.abs(high), 1));
  const ticks = [...above.map((tick) => -tick).reverse(), 0, ...above].filter((tick) => tick >= low && tick <= high);
  return ticks.length <= most ? ticks : ticks.filter((tick) => !tick || Number.isInteger(Math.log10(Math.abs(tick))));
}

/** Put a chart into its frame, with the labels of its axes as text that wraps. */
function showChart(frame, chart, x, y) {
  const [above, below] = [fact("", "scale"), fact("", "scale")];
  writeName(above, `↑ ${scaleText(y)}`);
  writeName(below, `${scaleText(x)}\u00a0→`);
  frame.replaceChildren(above, chart, below);
}

const scaleText = ({ label, hint, type = "linear" }) => `${label}${hint}${type === "linear" ? "" : ", log scale"}`;

/** A limit that was dragged, rounded inwards for ranks and counts and to three digits for others. */
const roundedLow = ({ step }, value) => (step ? Math.ceil(value / step) * step : Number(value.toPrecision(3)));
const roundedHigh = ({ step }, value) => (step ? Math.floor(value / step) * step : Number(value.toPrecision(3)));

const limitsOf = (key) => state.ranges[key] ?? [-Infinity, Infinity];

/** A selected range on the screen, cut at the ends of the axis. */
function rangeOnScreen(scale, [low, high]) {
  const [first, last] = scale.domain;
  return [Math.max(low, first), Math.min(high, last)].map(scale.apply).sort((one, other) => one - other);
}

/** Add a brush to a chart; ``selected`` is the selection on the screen or null, and ``onSelect`` gets the new one. */
function addBrush(chart, brush, selected, onSelect) {
  const group = d3.select(chart).append("g").attr("class", "brush").call(brush);
  group.call(brush.move, selected);
  group.selectAll(".overlay").style("touch-action", "pan-y").on("pointerdown", (event) => event.stopPropagation());
  brush.on("start", ({ sourceEvent }) => Object.assign(pressed, placeOf(sourceEvent)));
  brush.on("end", (event) => event.sourceEvent && onSelect(event));
}

/** Where the pointer was pressed at the start of a selection. */
const pressed = { clientX: NaN, clientY: NaN };

/** The place of a mouse event or of a touch; empty if a script moved the brush. */
function placeOf(event) {
  const { clientX, clientY } = event?.changedTouches?.[0] ?? event ?? {};
  return { clientX, clientY };
}

/** Whether the pointer was pressed and released in the same place. */
function isClick({ sourceEvent }) {
  const { clientX, clientY } = placeOf(sourceEvent);
  return Math.hypot(clientX - pressed.clientX, clientY - pressed.clientY) < 3;
}

// ---- Controls of an axis: its metric and limits

function renderAxisControl(control) {
  const name = control.dataset.axisControl;
  const [low, high] = limitsOf(state[name]);
  fillAxes(control.querySelector("select"), state[name]);
  control.querySelector(".low").value = Number.isFinite(low) ? low : "";
  control.querySelector(".high").value = Number.isFinite(high) ? high : "";
}

function onLimits(control) {
  const limit = (part, otherwise) => {
    const { valueAsNumber } = control.querySelector(part);
    return Number.isNaN(valueAsNumber) ? otherwise : valueAsNumber;
  };
  setRange(state[control.dataset.axisControl], limit(".low", -Infinity), limit(".high", Infinity));
}

function updateCharts() {
  axisControls.forEach(renderAxisControl);
  for (const frame of drawings.keys()) stale.add(frame);
  drawStale(inView);
}

/** Draw those of the frames whose charts do not show the current state. */
function drawStale(shown) {
  for (const frame of [...stale].filter((one) => shown.has(one))) {
    stale.delete(frame);
    drawings.get(frame)();
  }
}

function onView(entries) {
  for (const { target, isIntersecting } of entries) isIntersecting ? inView.add(target) : inView.delete(target);
  drawStale(inView);
}

const drawings = new Map(images.length ? [[frames.histogram, drawHistogram], [frames.scatter, drawScatter]] : []);
const [stale, inView] = [new Set(), new Set()];
const viewObserver = new IntersectionObserver(onView, { rootMargin: "300px" });
for (const frame of drawings.keys()) viewObserver.observe(frame);
addEventListener("beforeprint", () => drawStale(drawings));
addEventListener("resize", updateCharts);

const axisControls = document.querySelectorAll("[data-axis-control]");
for (const control of axisControls) {
  const name = control.dataset.axisControl;
  control.querySelector("select").addEventListener("change", (event) => changeState({ [name]: event.target.value }));
  for (const input of control.querySelectorAll("input")) input.addEventListener("change", () => onLimits(control));
}
