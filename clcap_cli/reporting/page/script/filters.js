// ---- Filters and search

const between = () => `from ${runs[state.before].name} to ${runs[state.after].name}`;

/** Whether the runs "before" and "after" have the same caption of the image. */
const hasSameCaption = (image) => image.results[state.before]?.caption === image.results[state.after]?.caption;

const FILTERS = {
  all: { keep: () => true, order: null, meaning: () => "", orderText: "" },
  gained: {
    keep: (image) => gain(image) > 0,
    order: (first, second) => gain(second) - gain(first),
    meaning: () => `with a better rank, ${between()}`,
    orderText: "largest gain first",
  },
  lost: {
    keep: (image) => gain(image) < 0,
    order: (first, second) => gain(first) - gain(second),
    meaning: () => `with a worse rank, ${between()}`,
    orderText: "largest loss first",
  },
  changed: {
    keep: (image) => image.results[state.before] && image.results[state.after] && !hasSameCaption(image),
    order: null,
    meaning: () => `with another caption in ${runs[state.after].name} than in ${runs[state.before].name}`,
    orderText: "",
  },
  generic: {
    label: () => `Generic in ${runs[state.after].name}`,
    keep: (image) => captionCount(image, state.after) > 1,
    order: (first, second) => captionCount(second, state.after) - captionCount(first, state.after),
    meaning: () => `with a caption of ${runs[state.after].name} that other images share`,
    orderText: "most frequent first",
  },
  same: {
    keep: (image) => maxCaptionCount(image) > 1,
    order: (first, second) => maxCaptionCount(second) - maxCaptionCount(first),
    meaning: () => "with a caption of any run that other images share",
    orderText: "most frequent first",
  },
};

/** Whether the filter applies to the selected runs. */
function isApplicable(name) {
  const ranked = [state.before, state.after].every((run) => runs[run]?.pool > 0)
    && runs[state.before].comparable[state.after];
  if (name === "gained" || name === "lost") return state.before !== state.after && ranked;
  if (name === "changed") return state.before !== state.after;
  return name !== "generic" || runs.length > 1;
}

/** A function that tells whether an image fulfils the filter, the limits and the search. */
function condition() {
  const filter = FILTERS[state.filter];
  const ranges = Object.entries(state.ranges).map(([key, limits]) => [axisOf(key).value, ...limits]);
  const terms = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  return (image) => filter.keep(image)
    && ranges.every(([value, low, high]) => value(image) >= low && value(image) <= high)
    && terms.every((term) => searchText(image).includes(term));
}

function matchingImages() {
  const picked = new Set(state.picked);
  return sorted(images.filter((image) => !picked.size || picked.has(image.position)).filter(condition()));
}

/** Show all images, without filters and search. */
function showAll() {
  changeState(noConditions);
}

/** Name the selected run on the button, if the filter is about one run. */
function renderLabel(button) {
  const { filter } = button.dataset;
  if (!FILTERS[filter].label || !isApplicable(filter)) return;
  button.dataset.label = FILTERS[filter].label();
  button.firstChild.textContent = button.dataset.label;
}

function update() {
  for (const button of document.querySelectorAll("[data-filter]")) {
    const name = button.dataset.filter;
    button.hidden = !isApplicable(name);
    button.setAttribute("aria-pressed", String(name === "all" ? !conditions().length : name === state.filter));
    renderLabel(button);
    button.querySelector(".number").textContent = images.filter(FILTERS[name].keep).length.toLocaleString("en");
  }
  byId("marked")?.replaceChildren(...markLegend());
  state.found = matchingImages();
  renderSorting();
  renderConditions();
  const total = state.found.length === images.length ? "" : ` of ${images.length.toLocaleString("en")}`;
  byId("count").textContent = byId("listed").textContent = `${state.found.length.toLocaleString("en")}${total} images`;
  byId("notice").textContent = state.notice;
  byId("explained").textContent = [FILTERS[state.filter].meaning(), orderText() && `· ${orderText()}`].join(" ");
  showFrom(0);
}
