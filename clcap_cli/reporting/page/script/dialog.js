// ---- The dialog with an enlarged picture

const viewer = byId("viewer");
const viewed = { image: null };

function openViewer(image) {
  showInViewer(image);
  viewer.showModal();
  viewer.querySelector(".content").scrollTop = 0;
}

function showInViewer(image) {
  const part = (name) => viewer.querySelector(name);
  viewed.image = image;
  renderTitle(part("h2"), image);
  const picture = image.pictured ? pictureOf(image, description(image)) : fact("no image file", "muted");
  part(".enlarged").replaceChildren(picture);
  renderPredictions(part(".predictions"), image);
  part(".listed").replaceChildren(...image.references.map(referenceItem));
  part(".references").hidden = !image.references.length;
  renderPosition(image);
}

function renderPosition(image) {
  const position = state.found.indexOf(image);
  viewer.querySelector(".position").textContent = position < 0
    ? "not among the images of the list"
    : `${(position + 1).toLocaleString("en")} of ${state.found.length.toLocaleString("en")}`;
  viewer.querySelector("[data-step='-1']").disabled = position === 0;
  viewer.querySelector("[data-step='1']").disabled = position === state.found.length - 1;
}

/** Show the next or the previous image of the list; the first one if the current one is not in the list. */
function stepViewer(step) {
  const image = state.found[state.found.indexOf(viewed.image) + step];
  if (image) showInViewer(image);
}

function onViewerKey(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  stepViewer(step);
}

for (const button of viewer.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => stepViewer(Number(button.dataset.step)));
}
viewer.querySelector(".close").addEventListener("click", () => viewer.close());
viewer.addEventListener("keydown", onViewerKey);
viewer.addEventListener("click", (event) => event.target === viewer && viewer.close()); // the backdrop
viewer.addEventListener("close", () => {
  const item = itemOf(viewed.image);
  if (!item) return;
  item.scrollIntoView({ block: "nearest" });
  item.querySelector(".open").focus({ preventScroll: true });
});
