"use strict";

// All data from files is inserted as text, never as HTML.

const IMAGES_PER_STEP = 40;
const WORD = /[\p{L}\p{M}\p{N}'’`]+/gu;

const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const images = data.images.map(([id, name, thumbnail, references, results]) => ({
  id, name, thumbnail, references,
  results: results.map((result) => result && {
    caption: result[0], rank: result[1], tied: result[2], cider: result[3], mistakenFor: result[4],
  }),
}));
const imagesById = new Map(images.map((image) => [image.id, image]));
const captionCounts = runs.map((_, run) => countCaptions(run));
const hasThumbnails = images.some((image) => image.thumbnail);
const byId = (id) => document.getElementById(id);
const selectedRun = (id) => Number(byId(id)?.value ?? 0);
const state = { before: selectedRun("before"), after: selectedRun("after"), filter: "all", query: "", found: [], shown: 0 };

// ---- Properties of an image

function countCaptions(run) {
  const counts = new Map();
  for (const { results } of images) {
    if (results[run]) counts.set(results[run].caption, (counts.get(results[run].caption) ?? 0) + 1);
  }
  return counts;
}

/** Number of images with the same caption in the run, including this one. */
const captionCount = (image, run) => (image.results[run] ? captionCounts[run].get(image.results[run].caption) : 0);

const maxCaptionCount = (image) => Math.max(...runs.map((_, run) => captionCount(image, run)));

/** Improvement of the image's rank from run "before" to run "after"; NaN if either rank is unknown. */
const gain = (image) => (image.results[state.before]?.rank ?? NaN) - (image.results[state.after]?.rank ?? NaN);

const title = (image) => image.name ?? String(image.id);

function searchText(image) {
  image.text ??= [image.id, image.name, ...image.references, ...image.results.map((result) => result?.caption)]
    .join("\n").toLowerCase();
  return image.text;
}

// ---- Filters and search

const between = () => `from ${runs[state.before].name} to ${runs[state.after].name}`;

const FILTERS = {
  all: { keep: () => true, order: null, explain: () => "" },
  gained: {
    keep: (image) => gain(image) > 0,
    order: (first, second) => gain(second) - gain(first),
    explain: () => `with a better rank, ${between()}; largest gain first`,
  },
  lost: {
    keep: (image) => gain(image) < 0,
    order: (first, second) => gain(first) - gain(second),
    explain: () => `with a worse rank, ${between()}; largest loss first`,
  },
  generic: {
    keep: (image) => captionCount(image, state.after) > 1,
    order: (first, second) => captionCount(second, state.after) - captionCount(first, state.after),
    explain: () => `with a caption of ${runs[state.after].name} that other images share; most frequent first`,
  },
  same: {
    keep: (image) => maxCaptionCount(image) > 1,
    order: (first, second) => maxCaptionCount(second) - maxCaptionCount(first),
    explain: () => "with a caption of any run that other images share; most frequent first",
  },
};

/** Whether the filter applies to the selected runs. */
function isApplicable(name) {
  const ranked = [state.before, state.after].every((run) => runs[run].pool > 0)
    && runs[state.before].comparable[state.after];
  if (name === "gained" || name === "lost") return state.before !== state.after && ranked;
  return name !== "generic" || runs.length > 1;
}

function matchingImages() {
  const filter = FILTERS[state.filter];
  const terms = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = images.filter((image) => filter.keep(image) && terms.every((term) => searchText(image).includes(term)));
  return filter.order ? found.sort(filter.order) : found;
}

function update() {
  for (const button of document.querySelectorAll("[data-filter]")) {
    const name = button.dataset.filter;
    button.hidden = !isApplicable(name);
    button.setAttribute("aria-pressed", String(name === state.filter));
    button.querySelector(".number").textContent = images.filter(FILTERS[name].keep).length.toLocaleString("en");
  }
  state.found = matchingImages();
  state.shown = 0;
  const total = state.found.length === images.length ? "" : ` of ${images.length.toLocaleString("en")}`;
  byId("count").textContent = `${state.found.length.toLocaleString("en")}${total} images`;
  byId("explained").textContent = FILTERS[state.filter].explain();
  byId("images").replaceChildren();
  showMore();
}

// ---- Rendering images step by step

const nearEnd = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && showMore(),
  { rootMargin: "1000px" },
);

/** Render the next images and return the first of them. */
function showMore() {
  const next = state.found.slice(state.shown, state.shown + IMAGES_PER_STEP).map(renderImage);
  byId("images").append(...next);
  state.shown += next.length;
  const button = byId("more");
  const left = state.found.length - state.shown;
  button.hidden = left === 0;
  button.textContent = `Show more (${left.toLocaleString("en")} left)`;
  nearEnd.unobserve(button); // observing again reports immediately whether the button is visible
  if (left) nearEnd.observe(button);
  return next[0];
}

function renderImage(image) {
  const item = byId("image").content.cloneNode(true).firstElementChild;
  renderThumbnail(item.querySelector(".picture"), image);
  renderTitle(item.querySelector("h3"), image);
  const shownRuns = data.pairs ? new Set([state.before, state.after]) : runs.keys();
  item.querySelector(".predictions").append(...Array.from(shownRuns, (run) => renderCaption(image, run)));
  renderReferences(item.querySelector(".references"), image.references);
  return item;
}

function renderThumbnail(frame, image) {
  if (!image.thumbnail) {
    if (hasThumbnails) frame.textContent = "no image file";
    else frame.remove();
    return;
  }
  const picture = document.createElement("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = [title(image), ...image.references.slice(0, 1)].join(": ");
  picture.src = `data:image/webp;base64,${image.thumbnail}`;
  frame.append(picture);
}

function renderTitle(heading, image) {
  heading.textContent = title(image);
  if (image.name === null || image.name === image.id) return;
  const id = document.createElement("small");
  id.textContent = ` id ${image.id}`;
  heading.append(id);
}

function renderCaption(image, run) {
  const item = byId("caption").content.cloneNode(true).firstElementChild;
  const [name, text, facts] = item.children;
  name.textContent = runs[run].name;
  name.style.setProperty("--run", runs[run].colour);
  const result = image.results[run];
  if (!result?.caption.trim()) {
    text.textContent = result ? "empty caption" : "not in this run";
    text.classList.add("muted");
  }
  if (!result) return item;
  const other = image.results[run === state.before ? state.after : state.before];
  if (result.caption.trim()) renderMarked(text, result.caption, other && other !== result ? other.caption : null);
  renderFacts(facts, image, run, result);
  return item;
}

const wordOf = (match) => match[0].toLowerCase().replace(/['’`]/g, "");

/** Write the caption into the element and mark the words that the other caption lacks. */
function renderMarked(element, caption, other) {
  if (other === null) {
    element.textContent = caption;
    return;
  }
  const known = new Set(Array.from(other.matchAll(WORD), wordOf));
  let end = 0;
  for (const [from, to] of newWords(caption, known)) {
    const mark = document.createElement("mark");
    mark.textContent = caption.slice(from, to);
    element.append(caption.slice(end, from), mark);
    end = to;
  }
  element.append(caption.slice(end));
}

/** Ranges [from, to) of unknown words; adjacent words form one range. */
function newWords(caption, known) {
  const ranges = [];
  for (const match of caption.matchAll(WORD)) {
    if (known.has(wordOf(match))) continue;
    const last = ranges.at(-1);
    if (last && !caption.slice(last[1], match.index).trim()) last[1] = match.index + match[0].length;
    else ranges.push([match.index, match.index + match[0].length]);
  }
  return ranges;
}

const rankText = (rank) => (Number.isInteger(rank) ? rank : Math.round(rank * 10) / 10).toLocaleString("en");

function renderFacts(element, image, run, { rank, tied, cider, mistakenFor }) {
  const compared = run !== state.before && runs[state.before].comparable[run];
  const before = compared ? image.results[state.before]?.rank ?? null : null;
  if (rank !== null) {
    element.append(fact(before === null ? `rank ${rankText(rank)}` : `rank ${rankText(before)} → ${rankText(rank)}`, "rank"));
    if (before !== null && before !== rank) {
      const better = before > rank;
      element.append(fact(`${better ? "gained" : "lost"} ${rankText(Math.abs(before - rank))}`, better ? "gained" : "lost"));
    }
    if (tied > 1) element.append(fact(`tied with ${otherImages(tied)}`));
    if (mistakenFor !== null) element.append(firstImage(mistakenFor));
  }
  if (cider !== null) element.append(fact(`CIDEr ${cider.toFixed(2)}`));
  if (captionCount(image, run) > 1) element.append(fact(`same caption as ${otherImages(captionCount(image, run))}`, "same"));
}

/** The other image that the caption ranks first, with its picture. */
function firstImage(id) {
  const image = imagesById.get(id);
  const element = fact(`ranked first: ${image ? title(image) : id}`);
  if (image?.thumbnail) {
    const picture = document.createElement("img");
    picture.loading = "lazy";
    picture.alt = "";
    picture.src = `data:image/webp;base64,${image.thumbnail}`;
    element.append(" ", picture);
  }
  return element;
}

const otherImages = (all) => (all === 2 ? "another image" : `${(all - 1).toLocaleString("en")} other images`);

function fact(text, kind = "") {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

function renderReferences(details, references) {
  if (!references.length) {
    details.remove();
    return;
  }
  details.querySelector("summary").textContent = references.length === 1 ? "1 reference" : `${references.length} references`;
  details.querySelector("ul").append(...references.map((reference) => {
    const item = document.createElement("li");
    item.textContent = reference;
    return item;
  }));
}

// ---- Sorting of tables

function sortTable(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const ascendingFirst = column === 0 || "lower" in button.dataset;
  const current = head.getAttribute("aria-sort");
  const ascending = current === "none" ? ascendingFirst : current === "descending";
  for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value;
  const known = (row) => Number(value(row) !== "");
  const order = (first, second) => known(second) - known(first) || (value(first) - value(second)) * (ascending ? 1 : -1);
  body.append(...Array.from(body.rows).sort(order));
}

// ---- Events

function changeState(change) {
  Object.assign(state, change);
  if (!isApplicable(state.filter)) state.filter = "all";
  update();
  if (byId("images").getBoundingClientRect().top < 0) byId("captions").scrollIntoView();
}

const THEMES = ["system", "dark", "light"];

function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
  root.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
}

function onKey(event) {
  const search = byId("search");
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search && search.value) {
    search.value = "";
    changeState({ query: "" });
  }
}

for (const button of document.querySelectorAll(".metrics th button")) {
  button.addEventListener("click", () => sortTable(button));
}
for (const button of document.querySelectorAll("[data-filter]")) {
  button.append(" ", fact("", "number"));
  button.addEventListener("click", () => changeState({ filter: button.dataset.filter }));
}
for (const name of ["before", "after"]) {
  byId(name)?.addEventListener("change", () => changeState({ [name]: selectedRun(name) }));
}
byId("search").addEventListener("input", (event) => changeState({ query: event.target.value }));
byId("more").addEventListener("click", () => {
  const heading = showMore().querySelector("h3");
  heading.tabIndex = -1;
  heading.focus();
});
byId("theme").addEventListener("click", nextTheme);
document.addEventListener("keydown", onKey);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("controls").hidden = false;
update();
