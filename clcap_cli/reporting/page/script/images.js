// ---- Rendering images step by step

const nearEnd = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && showMore(),
  { rootMargin: "1000px" },
);

/** Render the images of the list from a position on, of which those before are left out for speed. */
function showFrom(position) {
  state.first = state.shown = position - (position % IMAGES_PER_STEP);
  byId("images").replaceChildren();
  showMore();
}

/** Render the images before those of the list. */
function showEarlier() {
  const from = state.first - IMAGES_PER_STEP;
  byId("images").prepend(...state.found.slice(from, state.first).map(renderImage));
  state.first = from;
  byId("earlier").hidden = from === 0;
}

/** Render the next images and return the first of them. */
function showMore() {
  const next = state.found.slice(state.shown, state.shown + IMAGES_PER_STEP).map(renderImage);
  byId("images").append(...next);
  state.shown += next.length;
  const button = byId("more");
  byId("earlier").hidden = state.first === 0;
  const left = state.found.length - state.shown;
  button.hidden = left === 0;
  button.textContent = `Show more (${left.toLocaleString("en")} left)`;
  byId("printed").textContent = printedText();
  nearEnd.unobserve(button); // observing again reports immediately whether the button is visible
  if (left) nearEnd.observe(button);
  return next[0];
}

/** Which images of the list are on paper: those that are rendered. */
function printedText() {
  const [from, to, all] = [state.first + 1, state.shown, state.found.length].map((number) => number.toLocaleString("en"));
  return state.shown - state.first < state.found.length ? `Images ${from} to ${to} of the list's ${all} are printed.` : "";
}

function renderImage(image) {
  const item = byId("image").content.cloneNode(true).firstElementChild;
  renderPicture(item.querySelector(".picture"), image);
  renderTitle(item.querySelector("h3"), image);
  renderPredictions(item.querySelector(".predictions"), image);
  renderReferences(item.querySelector(".references"), image.references);
  return item;
}

function renderPredictions(list, image) {
  const shownRuns = data.pairs ? new Set([state.before, state.after]) : runs.keys();
  list.replaceChildren(...Array.from(shownRuns, (run) => renderCaption(image, run)));
}

function renderTitle(heading, image) {
  writeName(heading, title(image));
  if (image.name === null || image.name === image.id) return;
  const id = document.createElement("small");
  id.textContent = ` id ${image.id}`;
  heading.append(id);
}

/** The item of an image in the list, rendered if it is not yet; null if the filter or the search excludes it. */
function itemOf(image) {
  const position = state.found.indexOf(image);
  if (position < 0) return null;
  if (position < state.first || position >= state.shown) showFrom(position);
  return byId("images").children[position - state.first];
}
