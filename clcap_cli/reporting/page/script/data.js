// All data from files is inserted as text, never as HTML.

const IMAGES_PER_STEP = 40;
const WORD = /[\p{L}\p{M}\p{N}'’`]+/gu;

const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const images = data.images.map(([id, name, references, results], position) => ({
  id, name, references, position, pictured: data.pictured[position] === 1,
  results: results.map((result) => result && {
    caption: result[0], rank: result[1], tied: result[2], cider: result[3], best: result[4],
  }),
}));
const captionCounts = runs.map((_, run) => countCaptions(run));
const hasPictures = data.pictured.includes(1);
const byId = (id) => document.getElementById(id);
const selectedRun = (id) => Number(byId(id)?.value ?? 0);
/** The conditions of the list at the start: all images. */
const noConditions = { filter: "all", query: "", ranges: {}, picked: [] };
const state = { before: selectedRun("before"), after: selectedRun("after"), ...noConditions, sort: "", isAscending: false, found: [], first: 0, shown: 0 };

// ---- Properties of an image

function countCaptions(run) {
  const counts = new Map();
  for (const { results } of images) {
    if (results[run]) counts.set(results[run].caption, (counts.get(results[run].caption) ?? 0) + 1);
  }
  return counts;
}

/** Number of images with the same caption in the run, including this one. */
const captionCount = (image, run) => (image.results[run] ? captionCounts[run].get(image.results[run].caption) : 0);

const maxCaptionCount = (image) => Math.max(...runs.map((_, run) => captionCount(image, run)));

/** Improvement of the image's rank from run "before" to run "after"; NaN if either rank is unknown. */
const gain = (image) => (image.results[state.before]?.rank ?? NaN) - (image.results[state.after]?.rank ?? NaN);

const title = (image) => image.name ?? String(image.id);

function searchText(image) {
  image.text ??= [image.id, image.name, ...image.references, ...image.results.map((result) => result?.caption)]
    .join("\n").toLowerCase();
  return image.text;
}
