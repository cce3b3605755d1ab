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
