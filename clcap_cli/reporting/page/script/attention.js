// ---- Attention: each word of a caption is a button that shows where the model looked

const attention = JSON.parse(byId("attention").textContent);
const MAP_SIDE = 256; // pixels of a map's shorter side; the browser scales it to the picture
const RASTER = 64; // cells per side in which overlapping boxes are combined
const SHADE = 0.78; // opacity over what a word did not attend to

/** The attention of an image's caption in a run; null if it is unknown. */
function attentionOf(image, run) {
  const found = attention.runs[run];
  const [ends, sentinel, maps, boxes] = found?.captions[image.position] ?? [];
  if (!ends?.length) return null;
  const map = bytes(maps);
  return {
    ends, map, boxes: bytes(boxes), grid: found.grid, placed: found.placed,
    sentinel: sentinel && bytes(sentinel), regions: map.length / ends.length,
  };
}

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** Turn the words of a rendered caption into buttons, and say how much they looked at the image. */
function renderAttention(item, image, run) {
  const readout = item.querySelector(".attention");
  const known = attentionOf(image, run);
  if (!known) {
    readout.remove();
    return;
  }
  const text = item.querySelector(".text");
  splitWords(text, known.ends);
  text.classList.add("attended");
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "Words of the caption");
  for (const word of text.querySelectorAll(".word")) describeWord(word, known);
  text.querySelector(".word")?.setAttribute("tabindex", "0");
  readout.textContent = summaryOf(known);
  text.addEventListener("pointerover", (event) => onWord(event, known, readout));
  text.addEventListener("pointerout", () => leaveWord(known, readout));
  text.addEventListener("focusin", (event) => onWord(event, known, readout));
  text.addEventListener("focusout", () => hideMap(known, readout));
  text.addEventListener("click", (event) => event.target.closest(".word")?.focus());
  text.addEventListener("keydown", (event) => moveToWord(event, text));
}

/** Put each word into a button; a word that only partly differs from another caption has several. */
function splitWords(text, ends) {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  let start = 0;
  for (const node of nodes) {
    const content = node.data;
    node.replaceWith(...piecesOf(content, start, ends));
    start += content.length;
  }
}

/** The parts of a text that begins at ``start`` of the caption: a button for each token, and spaces as they are. */
function piecesOf(content, start, ends) {
  const pieces = [];
  let from = 0;
  ends.forEach((end, token) => {
    const to = Math.min(Math.max(end - start, from), content.length);
    const word = content.slice(from, to).trimStart();
    pieces.push(content.slice(from, to - word.length));
    if (word) pieces.push(wordButton(word, token));
    from = to;
  });
  return [...pieces, content.slice(from)].filter(Boolean);
}

function wordButton(word, token) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "word";
  button.tabIndex = -1;
  button.dataset.token = token;
  button.textContent = word;
  return button;
}

const percent = (share) => `${Math.round(100 * share)}%`;
const lookOf = ({ sentinel }, token) => 1 - sentinel[token] / 255;

function describeWord(word, known) {
  if (!known.sentinel) return;
  const look = lookOf(known, word.dataset.token);
  word.style.setProperty("--look", look);
  word.title = `${percent(look)} on the image, sentinel ${percent(1 - look)}`;
}

/** What is said of a caption while no word is chosen. */
function summaryOf(known) {
  if (!known.sentinel) return "";
  const mean = known.ends.reduce((sum, _, token) => sum + lookOf(known, token), 0) / known.ends.length;
  return `on average ${percent(mean)} on the image`;
}

function onWord(event, known, readout) {
  const word = event.target.closest(".word");
  if (!word) return;
  const { token } = word.dataset;
  hideMap(known, readout);
  word.classList.add("chosen");
  readout.textContent = `“${word.textContent}”${known.sentinel ? `: ${word.title}` : ""}`;
  if (!known.placed) readout.textContent += "; the place of the regions is not known";
  else if (!known.regions) readout.textContent += `; the page has maps of ${attention.images.toLocaleString("en")} images only`;
  else whenLoaded(pictureBeside(word), (picture) => word.matches(".chosen") && showMap(picture, known, weightsOf(known, Number(token))));
}

const weightsOf = ({ map, regions }, token) => map.subarray(token * regions, (token + 1) * regions);

/** Call a function with a picture when its size is known; there may be no picture. */
function whenLoaded(picture, use) {
  if (picture?.naturalWidth) use(picture);
  else picture?.addEventListener("load", () => use(picture), { once: true });
}

/** When the pointer leaves, the map of the word with the focus is shown again. */
function leaveWord(known, readout) {
  hideMap(known, readout);
  const focused = document.activeElement?.closest(".word");
  if (focused) focused.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
}

function hideMap(known, readout) {
  for (const map of document.querySelectorAll(".map")) map.remove();
  for (const word of document.querySelectorAll(".word.chosen")) word.classList.remove("chosen");
  readout.textContent = summaryOf(known);
}

/** Arrow keys move between the words of a caption, which has one stop of the Tab key. */
function moveToWord(event, text) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation(); // in the dialog, arrow keys elsewhere show the next image
  const words = [...text.querySelectorAll(".word")];
  const next = words[words.indexOf(document.activeElement) + step];
  if (!next) return;
  for (const word of words) word.tabIndex = word === next ? 0 : -1;
  next.focus();
}

const pictureBeside = (word) => word.closest(".image, .content").querySelector(".picture img, .enlarged img");

/** Draw the map over a picture: the less a place was attended to, the darker it is. */
function showMap(picture, { grid, boxes }, weights) {
  const canvas = canvasLike(picture);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  if (grid) shadeGrid(context, weights, grid);
  else shadeBoxes(context, weights, boxes);
  placeOver(picture, canvas);
}

function canvasLike({ naturalWidth, naturalHeight }) {
  const canvas = document.createElement("canvas");
  const scale = MAP_SIDE / Math.min(naturalWidth, naturalHeight);
  canvas.className = "map";
  [canvas.width, canvas.height] = [Math.round(naturalWidth * scale), Math.round(naturalHeight * scale)];
  return canvas;
}

/** Shade the regions of a grid, which covers a square in the middle; all outside of it is dark. */
function shadeGrid(context, weights, [rows, columns, share]) {
  const { width, height } = context.canvas;
  const side = MAP_SIDE * share;
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  context.fillStyle = `rgb(0 0 0 / ${SHADE})`;
  context.fillRect(0, 0, width, height);
  context.clearRect(left, top, side, side);
  context.drawImage(shadeOf(weights, rows, columns), left, top, side, side);
}

/** Shade the picture by the largest weight of the boxes at each place, and outline the box that has the largest. */
function shadeBoxes(context, weights, boxes) {
  const { width, height } = context.canvas;
  const largest = new Uint8Array(RASTER * RASTER);
  const corners = Array.from(weights, (_, region) => Array.from(boxes.subarray(4 * region, 4 * region + 4), (edge) => edge / 255));
  corners.forEach(([left, top, right, bottom], region) => {
    for (let row = Math.floor(top * RASTER); row < bottom * RASTER; row += 1) {
      for (let column = Math.floor(left * RASTER); column < right * RASTER; column += 1) {
        largest[row * RASTER + column] = Math.max(largest[row * RASTER + column], weights[region]);
      }
    }
  });
  context.drawImage(shadeOf(largest, RASTER, RASTER), 0, 0, width, height);
  const [left, top, right, bottom] = corners[weights.indexOf(255)];
  [context.strokeStyle, context.lineWidth] = ["white", 2];
  context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
}

/** A canvas with a pixel for each region, black and the more opaque the smaller the weight. */
function shadeOf(weights, rows, columns) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  weights.forEach((weight, region) => { pixels.data[4 * region + 3] = SHADE * (255 - weight); });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Lay an element exactly over a picture, also where the picture does not fill its box. */
function placeOver(picture, element) {
  const box = picture.getBoundingClientRect();
  const frame = picture.parentElement;
  const outer = frame.getBoundingClientRect();
  const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
  const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  frame.classList.add("framed");
  Object.assign(element.style, {
    left: `${box.left - outer.left - frame.clientLeft + (box.width - width) / 2}px`,
    top: `${box.top - outer.top - frame.clientTop}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
  frame.append(element);
}
