// ---- Attention: each word of a caption is a button that shows where the model looked

const attention = JSON.parse(byId("attention").textContent);

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

/** Turn the words of a rendered caption into buttons, and show their weight on the image. */
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
  return `mean over the words: ${percent(mean)} of the weight on the image`;
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
