// ---- Scatter plot of two axes, a dot per image

const MAX_DISTANCE = 14;
const scatter = { drawing: null, showSelection: null };
const card = byId("hovered");

function drawScatter() {
  const [x, y] = [axisOf(state.x), axisOf(state.y)];
  const drawing = [x.label, y.label, state.before, state.after, frames.scatter.clientWidth].join("\n");
  if (scatter.drawing !== drawing) scatter.showSelection = drawDots(x, y);
  scatter.drawing = drawing;
  scatter.showSelection();
}

/** Draw a dot for each image; returns the function that shows which images are in the list, and the limits. */
function drawDots(x, y) {
  const points = images.map((image) => ({ image, x: x.value(image), y: y.value(image) }))
    .filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const chart = scatterChart(x, y, points);
  const [xScale, yScale] = [chart.scale("x"), chart.scale("y")];
  const nearest = nearestPoint(points, xScale, yScale);
  frames.scatter.setAttribute("aria-label", `Scatter plot of ${y.label} over ${x.label} of ${imagesText(points.length)}.`);
  showChart(frames.scatter, chart, x, y);
  writeName(byId("diagonal"), sameMetric(x, y) ? diagonalText(x, y) : "");
  chart.addEventListener("pointermove", (event) => showCard(nearest(event), event));
  chart.addEventListener("pointerleave", () => showCard(null));
  return () => {
    showFound(chart, points);
    brushScatter(chart, x, y, nearest);
  };
}

function scatterChart(x, y, points) {
  return Plot.plot({
    ...chartStyle(frames.scatter.clientWidth || 480),
    marginBottom: 24,
    x: scaleOf(x, domainOf(points, "x"), frames.scatter.clientWidth),
    y: { ...scaleOf(y, domainOf(points, "y")), grid: true },
    marks: [
      ...(sameMetric(x, y) ? [diagonal(domainOf(points, "x"))] : []),
      Plot.dot(points, { x: "x", y: "y", r: 2.5, fill: "currentColor", stroke: "none" }),
    ],
  });
}

/** Which side of the diagonal is better for which run. */
function diagonalText(x, y) {
  const equal = "On the dotted line, both values are equal";
  if (x.role === y.role || state.before === state.after || !y.metric.direction) return `${equal}.`;
  return `${equal}; ${y.metric.direction > 0 ? "above" : "below"} it, ${runs[state[y.role]].name} is better.`;
}

const diagonal = (ends) => Plot.line(ends.map((end) => [end, end]), {
  clip: true, stroke: "currentColor", strokeOpacity: 0.5, strokeDasharray: "2 3",
});

/** Whether both axes have values of the same metric, which can be equal. */
const sameMetric = (x, y) => x.metric === y.metric && x.role !== "change" && y.role !== "change";

function domainOf(points, name) {
  const [low, high] = d3.extent(points, (point) => point[name]);
  return low === high || low === undefined ? [(low ?? 1), (low ?? 1) + 1] : [low, high];
}

/** A function that gives the point nearest to the pointer; null if it is too far away. */
function nearestPoint(points, xScale, yScale) {
  const places = points.map(({ x, y }) => [xScale.apply(x), yScale.apply(y)]);
  const delaunay = d3.Delaunay.from(places);
  return (event) => {
    const [px, py] = d3.pointer(event, event.currentTarget.ownerSVGElement ?? event.currentTarget);
    const found = places.length ? delaunay.find(px, py) : -1;
    return found >= 0 && Math.hypot(places[found][0] - px, places[found][1] - py) <= MAX_DISTANCE ? points[found] : null;
  };
}

function showFound(chart, points) {
  const found = new Set(state.found);
  for (const dot of chart.querySelectorAll("[aria-label=dot] circle")) {
    dot.classList.toggle("left-out", !found.has(points[dot.__data__].image));
  }
}

/** The brush over the scatter plot; a click without dragging selects the image of the nearest dot. */
function brushScatter(chart, x, y, nearest) {
  chart.querySelector(".brush")?.remove();
  const scales = [chart.scale("x"), chart.scale("y")];
  const [[left, right], [bottom, top]] = scales.map(({ range }) => range);
  const brush = d3.brush().extent([[left - 4, top - 4], [right + 4, bottom + 4]]);
  addBrush(chart, brush, shownLimits(x, y, scales), (event) => {
    if (isClick(event)) onClick(x, y, nearest(atPointer(chart, event)), event.sourceEvent.shiftKey);
    else if (event.selection) setLimits(x, y, scales, event.selection);
    else scatter.showSelection(); // a selection without width or height
  });
}

/** The limits of both axes as corners on the screen; null if there are none. */
function shownLimits(x, y, scales) {
  const limits = [limitsOf(x.key), limitsOf(y.key)];
  return limits.flat().some(Number.isFinite) ? d3.zip(...limits.map((range, axis) => rangeOnScreen(scales[axis], range))) : null;
}

function setLimits(x, y, scales, [[left, top], [right, bottom]]) {
  const range = (axis, scale, ...ends) => d3.extent(ends.map(scale.invert), (end, at) => (at ? roundedHigh : roundedLow)(axis, end));
  changeState({
    ranges: { ...state.ranges, [x.key]: range(x, scales[0], left, right), [y.key]: range(y, scales[1], bottom, top) },
  });
}

function onClick(x, y, point, adds) {
  if (point) pick(point.image, adds);
  else changeState({ ranges: without(without(state.ranges, x.key), y.key) });
}

const atPointer = (chart, { sourceEvent }) => ({ ...placeOf(sourceEvent), currentTarget: chart });

// ---- The image under the pointer

function showCard(point, event) {
  card.hidden = !point;
  if (!point) return;
  const { image } = point;
  const facts = [axisOf(state.x), axisOf(state.y)].map((axis) => `${axis.label}: ${valueText(axis.value(image))}`);
  const captions = [...new Set([state.before, state.after])].map((run) => captionOnCard(image, run));
  const picture = image.pictured ? [pictureOf(image, "")] : [];
  card.replaceChildren(...picture, fact(title(image), "name"), ...captions, ...facts.map((text) => fact(text, "muted")));
  card.style.left = `${Math.max(8, Math.min(event.clientX + 16, innerWidth - card.offsetWidth - 16))}px`;
  const below = event.clientY + 16;
  card.style.top = `${below + card.offsetHeight < innerHeight ? below : event.clientY - 16 - card.offsetHeight}px`;
}

function captionOnCard(image, run) {
  const line = fact("", "line");
  const name = fact(`${runs[run].name}:`, "run");
  name.style.setProperty("--run", runs[run].colour);
  line.append(name, " ", image.results[run]?.caption ?? "not in this run");
  return line;
}
