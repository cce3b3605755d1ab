// ---- Pictures, which come after this script in the page, so that the list is there first

let thumbnails = null;
const waiting = [];

function showPicture(picture, image) {
  if (thumbnails === null) waiting.push([picture, image]);
  else picture.src = `data:image/webp;base64,${thumbnails[image.position]}`;
}

document.addEventListener("DOMContentLoaded", () => {
  thumbnails = byId("thumbnails").textContent.split("\n");
  for (const [picture, image] of waiting.splice(0)) showPicture(picture, image);
});

function pictureOf(image, text) {
  const picture = document.createElement("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = text;
  showPicture(picture, image);
  return picture;
}

const description = (image) => [title(image), ...image.references.slice(0, 1)].join(": ");

/** The button that enlarges an image; it has no picture if there are no image files at all. */
function renderPicture(frame, image) {
  const button = frame.querySelector(".open");
  button.addEventListener("click", () => openViewer(image));
  if (image.pictured) button.append(pictureOf(image, description(image)));
  else button.textContent = hasPictures ? "no image file" : "Details";
  frame.classList.toggle("without", !hasPictures);
}
