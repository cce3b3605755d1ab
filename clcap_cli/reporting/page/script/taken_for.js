// ---- The images that a caption was taken for

/** The best images with higher ln p than the caption's own, and the own one if it is among the best. */
function takenFor(image, { rank, tied, best }) {
  if (rank === null) return [];
  const above = best.slice(0, Math.round(rank - 1 - (tied - 1) / 2));
  return above.length ? [...above, ...best.filter(([other]) => images[other] === image)] : [];
}

function renderTakenFor(list, image, result) {
  const found = takenFor(image, result);
  list.append(...found.map(([other, logProb], place) => renderRankedImage(image, other, logProb, images[other] === image ? rankText(result.rank) : place + 1)));
  if (!found.length) list.parentElement.remove();
}

function renderRankedImage(own, other, logProb, rank) {
  const image = images[other];
  const name = image ? title(image) : other;
  const item = byId("ranked-image").content.cloneNode(true).firstElementChild;
  const button = item.querySelector("button");
  item.querySelector(".place").textContent = image === own ? `${rank}: itself` : `${rank}: ${name}`;
  item.classList.toggle("own", image === own);
  if (image?.pictured) button.prepend(pictureOf(image, ""));
  button.title = `${name}: rank ${rank}, ln p ${logProb}`;
  button.disabled = !image || image === own;
  button.addEventListener("click", () => showOther(image));
  return item;
}

/** Show an image that another one was taken for in the dialog, so that the list stays as it is. */
function showOther(image) {
  if (viewer.open) showInViewer(image);
  else openViewer(image);
}
