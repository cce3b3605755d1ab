function renderCaption(image, run) {
  const item = byId("caption").content.cloneNode(true).firstElementChild;
  const [name, text, facts] = [".run", ".text", ".facts"].map((part) => item.querySelector(part));
  writeName(name, runs[run].name);
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
  renderTakenFor(item.querySelector(".taken ol"), image, result);
  renderAttention(item, image, run);
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

/** What the marks of words mean. */
function markLegend() {
  const isSame = state.before === state.after;
  if (isSame && data.pairs) return [];
  const sample = document.createElement("mark");
  sample.textContent = "Marked words";
  const [before, after] = [state.before, state.after].map((run) => runs[run].name);
  if (isSame) return [sample, ` are missing in the caption of ${before}.`];
  if (runs.length === 2 || data.pairs) return [sample, " are missing in the other caption."];
  return [sample, ` are missing in the caption of ${before}; in that of ${before}, they are missing in the caption of ${after}.`];
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

function renderFacts(element, image, run, { rank, tied, cider }) {
  const compared = run !== state.before && runs[state.before].comparable[run];
  const before = compared ? image.results[state.before]?.rank ?? null : null;
  if (rank !== null) {
    element.append(fact(before === null ? `rank ${rankText(rank)}` : `rank ${rankText(before)} → ${rankText(rank)}`, "rank"));
    if (before !== null && before !== rank) {
      const better = before > rank;
      element.append(fact(`${better ? "gained" : "lost"} ${rankText(Math.abs(before - rank))}`, better ? "gained" : "lost"));
    }
    if (tied > 1) element.append(fact(`tied with ${otherImages(tied)}`));
  }
  if (cider !== null) element.append(fact(`CIDEr ${cider.toFixed(2)}`));
  if (run === state.after && run !== state.before && hasSameCaption(image)) element.append(fact("caption unchanged"));
  if (captionCount(image, run) > 1) element.append(fact(`same caption as ${otherImages(captionCount(image, run))}`, "same"));
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
  details.querySelector("ul").append(...references.map(referenceItem));
}

function referenceItem(reference) {
  const item = document.createElement("li");
  item.textContent = reference;
  return item;
}
