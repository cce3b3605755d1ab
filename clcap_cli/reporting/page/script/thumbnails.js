// ---- Pictures

function pictureOf(image, text) {
  const picture = document.createElement("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = text;
  picture.src = `data:image/webp;base64,${image.thumbnail}`;
  return picture;
}

const description = (image) => [title(image), ...image.references.slice(0, 1)].join(": ");

/** The button that enlarges an image; it has no picture if there are no image files at all. */
function renderPicture(frame, image) {
  const button = frame.querySelector(".open");
  button.addEventListener("click", () => openViewer(image));
  if (image.thumbnail) button.append(pictureOf(image, description(image)));
  else button.textContent = hasThumbnails ? "no image file" : "Details";
  frame.classList.toggle("without", !hasThumbnails);
}
