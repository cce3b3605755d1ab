// ---- Curves, drawn when they come into view

const DASH_LENGTHS = { "-": null, "--": "7 4", "-.": "8 3 2 3", ":": "1.5 3" };
const SVG = "http://www.w3.org/2000/svg";

/** Draw into each element when it comes near the visible part of the page, and into all before printing. */
function drawWhenVisible(elements, draw) {
  const waiting = new Set(elements);
  const drawOnce = (element) => waiting.delete(element) && draw(element);
  const observer = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => drawOnce(entry.target)),
    { rootMargin: "300px" },
  );
  waiting.forEach((element) => observer.observe(element));
  addEventListener("beforeprint", () => [...waiting].forEach(drawOnce));
}

function drawCurves(frame) {
  const plot = data.plots[Number(frame.dataset.plot)];
  frame.append(curveLegend(plot), curveChart(plot, frame.clientWidth || 560));
}

function curveChart(plot, width) {
  const points = plot.lines.flatMap((line) => line.points.map(([x, y]) => ({ line, x, y })));
  const [low, high] = plot.range;
  const inside = points.filter((point) => !isOutside(plot, point));
  const outside = points.filter((point) => isOutside(plot, point));
  return Plot.plot({
    ...chartStyle(width),
    x: { label: plot.isLog ? `${plot.x} (log scale)` : plot.x, ...curveScale(plot, points) },
    y: { label: plot.y, domain: low === high ? [low - 1, high + 1] : plot.range, nice: !plot.isLog, grid: true },
    marks: [
      ...plot.lines.map((line) => curveLine(inside.filter((point) => point.line === line), line)),
      Plot.dot(inside.filter(({ line }) => line.marker), { x: "x", y: "y", r: 2.5, stroke: colourOf, fill: fillOf }),
      Plot.dot(inside.filter(isKept), { x: "x", y: "y", r: 7, stroke: colourOf, strokeWidth: 1.5 }),
      ...outsideMarks(outside, plot),
      Plot.dot(inside, Plot.pointer({ x: "x", y: "y", r: 5, fill: colourOf })),
      Plot.tip(inside, Plot.pointer({ x: "x", y: "y", title: (point) => pointText(plot, point), ...tipStyle })),
    ],
  });
}

const colourOf = ({ line }) => line.colour;
const fillOf = ({ line }) => (line.marker === "hollow" ? "var(--paper)" : line.colour);
const isKept = ({ line, x }) => line.kept === x;
const isOutside = ({ range: [low, high] }, { y }) => y < low || y > high;
const tipStyle = { fill: "var(--raised)", stroke: "var(--muted)", fontSize: 13, lineHeight: 1.35 };

function chartStyle(width) {
  return { width, height: Math.min(340, Math.max(240, width * 0.62)), marginLeft: 52, marginBottom: 38, marginRight: 16,
    style: { background: "none", fontSize: "12px", fontFamily: "inherit", overflow: "visible" } };
}

function curveScale(plot, points) {
  const last = Math.max(...points.map(({ x }) => x));
  if (plot.isLog) return { type: "log", domain: [1, Math.max(2, last)], ticks: logTicks(last), tickFormat: ",d" };
  const tickFormat = (epoch) => (Number.isInteger(epoch) ? String(epoch) : "");
  return { ticks: Math.min(8, Math.max(1, Math.floor(last))), tickFormat };
}

/** 1, 2, 5, 10, 20, 50, … up to the last value; powers of ten only if that is far. */
function logTicks(last) {
  const powers = Array.from({ length: Math.floor(Math.log10(last)) + 1 }, (_, power) => 10 ** power);
  return (last > 500 ? powers : powers.flatMap((power) => [power, 2 * power, 5 * power])).filter((tick) => tick <= last);
}

const curveLine = (points, line) => Plot.line(points, {
  x: "x", y: "y", stroke: line.colour, strokeWidth: line.dashes === ":" ? 1.5 : 2, strokeDasharray: DASH_LENGTHS[line.dashes],
  strokeOpacity: line.colour === "currentColor" ? 0.6 : 1,
});

/** Values beyond the axis: triangles at its edge, and the values next to them. */
function outsideMarks(points, plot) {
  const isAbove = ({ y }) => y > plot.range[1];
  return [true, false].flatMap((above) => {
    const marked = points.filter((point) => isAbove(point) === above);
    const place = { x: "x", frameAnchor: above ? "top" : "bottom", fill: colourOf };
    const line = ({ x }, at) => marked.slice(0, at).filter((other) => other.x === x).length;
    const texts = marked.map((point, at) => Plot.text([point], {
      ...place, text: ({ y }) => valueText(y), dx: 9, dy: 14 * line(point, at) * (above ? 1 : -1), textAnchor: "start",
    }));
    return [Plot.dot(marked, { ...place, symbol: "triangle", rotate: above ? 0 : 180, r: 4.5 }), ...texts];
  });
}

function valueText(value) {
  const shown = Number.isInteger(value) ? value : Number(value.toPrecision(4));
  return shown.toLocaleString("en", { maximumFractionDigits: 10 });
}

function pointText(plot, point) {
  const kept = isKept(point) ? " (kept)" : "";
  return `${point.line.label}\n${plot.x} ${point.x.toLocaleString("en")}${kept}\n${plot.y} ${valueText(point.y)}`;
}

// ---- Legend

function curveLegend(plot) {
  const list = document.createElement("ul");
  list.className = "lines";
  const points = plot.lines.flatMap((line) => line.points.map(([x, y]) => ({ line, x, y })));
  const entries = plot.lines.map((line) => [line.label, ...lineSample(line)]);
  if (points.some(isKept)) entries.push(["kept epoch", svgElement("circle", { cx: 14, cy: 7, r: 5.5, ...OUTLINE })]);
  if (points.some((point) => isOutside(plot, point))) {
    entries.push(["value beyond the axis", svgElement("path", { d: "M14,2L19,11H9Z", fill: "currentColor" })]);
  }
  list.append(...entries.map(([label, ...shapes]) => legendItem(label, shapes)));
  return list;
}

const OUTLINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.5 };

function legendItem(label, shapes) {
  const item = document.createElement("li");
  const sample = svgElement("svg", { viewBox: "0 0 28 14", width: 28, height: 14, "aria-hidden": "true" });
  sample.append(...shapes);
  item.append(sample, label);
  return item;
}

function lineSample(line) {
  const dashes = DASH_LENGTHS[line.dashes] ?? "none";
  const stroke = svgElement("path", { d: "M0,7H28", stroke: line.colour, "stroke-width": 2, "stroke-dasharray": dashes });
  const dot = { cx: 14, cy: 7, r: 3, fill: fillOf({ line }), stroke: line.colour };
  return line.marker ? [stroke, svgElement("circle", dot)] : [stroke];
}

function svgElement(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

drawWhenVisible(document.querySelectorAll("[data-plot]"), drawCurves);
