// ---- The view in the address, such as #filter=gained&CIDEr.after=0.5..1.2

const AXES_SHOWN = ["histogram", "x", "y"];
const defaults = { before: state.before, after: state.after, ...defaultAxes() };

/** Whether the address has a view or nothing, and not an anchor of the page, such as #captions. */
const isView = () => location.hash.length < 2 || location.hash.includes("=");

/** Whether a change continues the typing of a search, which replaces the last entry of the browser's history. */
const isTyping = (change) => Boolean("query" in change && change.query && state.query);

function addressOf() {
  const parts = new URLSearchParams();
  for (const name of ["before", "after"]) if (state[name] !== defaults[name]) parts.set(name, runs[state[name]].name);
  if (state.filter !== "all") parts.set("filter", state.filter);
  if (state.query.trim()) parts.set("search", state.query.trim());
  for (const [key, range] of Object.entries(state.ranges)) {
    parts.set(key, range.map((limit) => (Number.isFinite(limit) ? limit : "")).join(".."));
  }
  for (const position of state.picked) parts.append("image", images[position].id);
  if (state.sort) parts.set("sort", state.sort);
  if (state.sort && state.isAscending) parts.set("order", "ascending");
  for (const name of AXES_SHOWN) if (state[name] !== defaults[name]) parts.set(name, state[name]);
  return String(parts);
}

function writeAddress(replaces) {
  const address = `#${addressOf()}`;
  if (address === (location.hash || "#")) return;
  history[replaces ? "replaceState" : "pushState"](null, "", address);
}

/** The state of an address; parts that this page does not know are ignored. */
function stateOf(address) {
  const parts = new URLSearchParams(address);
  const run = (name) => {
    const found = runs.findIndex((one) => one.name === parts.get(name));
    return found < 0 || !byId(name) ? defaults[name] : found;
  };
  const axis = (name, otherwise) => (axisOf(parts.get(name) ?? "") ? parts.get(name) : otherwise);
  return {
    before: run("before"), after: run("after"),
    filter: Object.hasOwn(FILTERS, parts.get("filter") ?? "") ? parts.get("filter") : "all",
    query: parts.get("search") ?? "",
    ranges: Object.fromEntries([...parts].flatMap(([key, text]) => rangeOf(key, text))),
    picked: pickedImages(parts.getAll("image")),
    sort: axis("sort", ""), isAscending: parts.get("order") === "ascending",
    ...Object.fromEntries(AXES_SHOWN.map((name) => [name, axis(name, defaults[name])])),
  };
}

function rangeOf(key, text) {
  const limits = axisOf(key) && /^([-+.\deE]*?)\.\.([-+.\deE]*)$/.exec(text);
  if (!limits) return [];
  const range = [limits[1] === "" ? -Infinity : Number(limits[1]), limits[2] === "" ? Infinity : Number(limits[2])];
  return range.some(Number.isNaN) ? [] : [[key, range]];
}

const pickedImages = (ids) => images.filter(({ id }) => ids.includes(String(id))).map(({ position }) => position);

/** Show the view of the address. */
function openAddress() {
  const view = stateOf(location.hash.slice(1));
  Object.assign(state, view);
  showState();
}

/** Go to an anchor of the page without replacing the view in the address. */
function goTo(event) {
  event.preventDefault();
  const target = document.querySelector(event.currentTarget.getAttribute("href"));
  target.scrollIntoView();
  target.focus({ preventScroll: true });
}

for (const link of document.querySelectorAll("a[href^='#']")) link.addEventListener("click", goTo);
addEventListener("popstate", () => isView() && openAddress());
