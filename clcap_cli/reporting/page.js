"use strict";

// Everything that comes from files goes into the page as text, never as HTML.

const AT_ONCE = 40;
const WORD = /[\p{L}\p{M}\p{N}'’`]+/gu;

const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const images = data.images.map(([id, name, picture, references, results]) => ({
  id, name, picture, references,
  results: results.map((result) => result && { caption: result[0], rank: result[1], tied: result[2], cider: result[3] }),
}));
const told = runs.map((_, run) => countCaptions(run));
const pictured = images.some((image) => image.picture);
const part = (id) => document.getElementById(id);
const chosen = (id) => Number(part(id)?.value ?? 0);
const state = { before: chosen("before"), after: chosen("after"), filter: "all", query: "", found: [], shown: 0 };

// ---- What is known of an image

function countCaptions(run) {
  const counts = new Map();
  for (const { results } of images) {
    if (results[run]) counts.set(results[run].caption, (counts.get(results[run].caption) ?? 0) + 1);
  }
  return counts;
}

/** Images that the run gives the same caption, this one included. */
const alike = (image, run) => (image.results[run] ? told[run].get(image.results[run].caption) : 0);

const mostAlike = (image) => Math.max(...runs.map((_, run) => alike(image, run)));

/** By how many ranks the image is found earlier after than before; NaN where one of them is not known. */
const gain = (image) => (image.results[state.before]?.rank ?? NaN) - (image.results[state.after]?.rank ?? NaN);

const title = (image) => image.name ?? String(image.id);

function haystack(image) {
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
    order: (one, other) => gain(other) - gain(one),
    explain: () => `found earlier, ${between()}; most first`,
  },
  lost: {
    keep: (image) => gain(image) < 0,
    order: (one, other) => gain(one) - gain(other),
    explain: () => `found later, ${between()}; most first`,
  },
  generic: {
    keep: (image) => alike(image, state.after) > 1,
    order: (one, other) => alike(other, state.after) - alike(one, state.after),
    explain: () => `whose caption by ${runs[state.after].name} is also another image's; most frequent first`,
  },
  same: {
    keep: (image) => mostAlike(image) > 1,
    order: (one, other) => mostAlike(other) - mostAlike(one),
    explain: () => "whose caption, by any run, is also another image's; most frequent first",
  },
};

/** Filters that say something about the runs that are compared. */
function isUseful(name) {
  const ranked = [state.before, state.after].every((run) => runs[run].pool > 0);
  if (name === "gained" || name === "lost") return state.before !== state.after && ranked;
  return name !== "generic" || runs.length > 1;
}

function find() {
  const filter = FILTERS[state.filter];
  const terms = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = images.filter((image) => filter.keep(image) && terms.every((term) => haystack(image).includes(term)));
  return filter.order ? found.sort(filter.order) : found;
}

function update() {
  for (const button of document.querySelectorAll("[data-filter]")) {
    const name = button.dataset.filter;
    button.hidden = !isUseful(name);
    button.setAttribute("aria-pressed", String(name === state.filter));
    button.querySelector(".number").textContent = images.filter(FILTERS[name].keep).length.toLocaleString("en");
  }
  state.found = find();
  state.shown = 0;
  const some = state.found.length === images.length ? "" : ` of ${images.length.toLocaleString("en")}`;
  part("count").textContent = `${state.found.length.toLocaleString("en")}${some} images`;
  part("explained").textContent = FILTERS[state.filter].explain();
  part("images").replaceChildren();
  showMore();
}

// ---- Drawing images, some at a time

const nearEnd = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && showMore(),
  { rootMargin: "1000px" },
);

/** Draw the next images; returns the first of them. */
function showMore() {
  const next = state.found.slice(state.shown, state.shown + AT_ONCE).map(drawImage);
  part("images").append(...next);
  state.shown += next.length;
  const button = part("more");
  const left = state.found.length - state.shown;
  button.hidden = left === 0;
  button.textContent = `Show more (${left.toLocaleString("en")} left)`;
  nearEnd.unobserve(button); // watching anew tells at once whether it is still in sight
  if (left) nearEnd.observe(button);
  return next[0];
}

function drawImage(image) {
  const item = part("image").content.cloneNode(true).firstElementChild;
  drawPicture(item.querySelector(".picture"), image);
  drawTitle(item.querySelector("h3"), image);
  const drawn = data.pairs ? new Set([state.before, state.after]) : runs.keys();
  item.querySelector(".predictions").append(...Array.from(drawn, (run) => drawCaption(image, run)));
  drawReferences(item.querySelector(".people"), image.references);
  return item;
}

function drawPicture(frame, image) {
  if (!image.picture) {
    if (pictured) frame.textContent = "no picture";
    else frame.remove();
    return;
  }
  const picture = document.createElement("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = [title(image), ...image.references.slice(0, 1)].join(": ");
  picture.src = `data:image/webp;base64,${image.picture}`;
  frame.append(picture);
}

function drawTitle(heading, image) {
  heading.textContent = title(image);
  if (image.name === null || image.name === image.id) return;
  const id = document.createElement("small");
  id.textContent = ` id ${image.id}`;
  heading.append(id);
}

function drawCaption(image, run) {
  const item = part("caption").content.cloneNode(true).firstElementChild;
  const [name, text, facts] = item.children;
  name.textContent = runs[run].name;
  name.style.setProperty("--run", runs[run].colour);
  const result = image.results[run];
  if (!result?.caption.trim()) {
    text.textContent = result ? "no words" : "not in this run";
    text.classList.add("muted");
  }
  if (!result) return item;
  const other = image.results[run === state.before ? state.after : state.before];
  if (result.caption.trim()) drawMarked(text, result.caption, other && other !== result ? other.caption : null);
  drawFacts(facts, image, run, result);
  return item;
}

const wordOf = (match) => match[0].toLowerCase().replace(/['’`]/g, "");

/** Put the caption into the element, with the words marked that the other caption does not have. */
function drawMarked(element, caption, other) {
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

/** [from, to) of words that are not known; neighbours with only space between them as one. */
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

function drawFacts(element, image, run, { rank, tied, cider }) {
  const before = run === state.before ? null : image.results[state.before]?.rank ?? null;
  if (rank !== null) {
    element.append(fact(before === null ? `rank ${rankText(rank)}` : `rank ${rankText(before)} → ${rankText(rank)}`, "rank"));
    if (before !== null && before !== rank) {
      const better = before > rank;
      element.append(fact(`${better ? "gained" : "lost"} ${rankText(Math.abs(before - rank))}`, better ? "gained" : "lost"));
    }
    if (tied > 1) element.append(fact(`tied with ${others(tied)}`));
  }
  if (cider !== null) element.append(fact(`CIDEr ${cider.toFixed(2)}`));
  if (alike(image, run) > 1) element.append(fact(`same caption as ${others(alike(image, run))}`, "same"));
}

const others = (all) => (all === 2 ? "another image" : `${(all - 1).toLocaleString("en")} other images`);

function fact(text, kind = "") {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

function drawReferences(details, references) {
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

// ---- Tables that sort

function sortTable(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const firstUp = column === 0 || "lower" in button.dataset;
  const now = head.getAttribute("aria-sort");
  const up = now === "none" ? firstUp : now === "descending";
  for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value;
  const known = (row) => Number(value(row) !== "");
  const order = (one, other) => known(other) - known(one) || (value(one) - value(other)) * (up ? 1 : -1);
  body.append(...Array.from(body.rows).sort(order));
}

// ---- What the reader does

function choose(change) {
  Object.assign(state, change);
  if (!isUseful(state.filter)) state.filter = "all";
  update();
  if (part("images").getBoundingClientRect().top < 0) part("captions").scrollIntoView();
}

const THEMES = ["system", "dark", "light"];

function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
  root.dataset.theme = theme;
  part("theme").textContent = `Theme: ${theme}`;
}

function onKey(event) {
  const search = part("search");
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search && search.value) {
    search.value = "";
    choose({ query: "" });
  }
}

for (const button of document.querySelectorAll(".metrics th button")) {
  button.addEventListener("click", () => sortTable(button));
}
for (const button of document.querySelectorAll("[data-filter]")) {
  button.append(" ", fact("", "number"));
  button.addEventListener("click", () => choose({ filter: button.dataset.filter }));
}
for (const name of ["before", "after"]) {
  part(name)?.addEventListener("change", () => choose({ [name]: chosen(name) }));
}
part("search").addEventListener("input", (event) => choose({ query: event.target.value }));
part("more").addEventListener("click", () => {
  const heading = showMore().querySelector("h3");
  heading.tabIndex = -1;
  heading.focus();
});
part("theme").addEventListener("click", nextTheme);
document.addEventListener("keydown", onKey);
part("controls").addEventListener("submit", (event) => event.preventDefault());
part("controls").hidden = false;
update();
