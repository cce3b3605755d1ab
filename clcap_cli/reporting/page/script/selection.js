// ---- What selects the images of the list, besides the filters

/** Conditions of the list, each with its text and the change of state that removes it. */
function conditions() {
  return [
    ...(state.filter === "all" ? [] : [{ text: filterLabel(), removed: { filter: "all" } }]),
    ...(state.query.trim() ? [{ text: `Search: ${state.query.trim()}`, removed: { query: "" } }] : []),
    ...chartConditions(),
  ];
}

const filterLabel = () => document.querySelector(`[data-filter=${state.filter}]`).dataset.label;

/** Conditions that were set in the charts. */
function chartConditions() {
  const ranges = Object.keys(state.ranges).map((key) => ({
    text: rangeText(key), removed: { ranges: without(state.ranges, key) },
  }));
  const picked = state.picked.map((position) => ({
    text: `Image: ${title(images[position])}`, removed: { picked: state.picked.filter((other) => other !== position) },
  }));
  return [...ranges, ...picked];
}

const without = (ranges, key) => Object.fromEntries(Object.entries(ranges).filter(([other]) => other !== key));

function rangeText(key) {
  const { label } = axisOf(key);
  const [low, high] = state.ranges[key];
  if (low === -Infinity) return `${label}: at most ${valueText(high)}`;
  return high === Infinity ? `${label}: at least ${valueText(low)}` : `${label}: ${valueText(low)} to ${valueText(high)}`;
}

/** Restrict an axis to a range; without limits, the restriction is removed. */
function setRange(key, low, high) {
  const others = without(state.ranges, key);
  changeState({ ranges: low === -Infinity && high === Infinity ? others : { ...others, [key]: [low, high] } });
}

/** List only one image, or add it; conditions that it does not fulfil are removed. */
function pick(image, adds) {
  const others = adds ? state.picked.filter((position) => position !== image.position) : [];
  changeState({ ...(condition()(image) ? {} : noConditions), picked: [...others, image.position] });
}

function removeButton({ text, removed }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.textContent = text;
  button.setAttribute("aria-label", `Remove: ${text}`);
  button.addEventListener("click", () => {
    changeState(removed);
    (document.querySelector(".chip") ?? byId("search")).focus({ preventScroll: true });
  });
  return button;
}

/** Show the conditions of the charts above the list and, if no image fulfils all conditions, each of them. */
function renderConditions() {
  byId("chips").replaceChildren(...chartConditions().map(removeButton));
  byId("empty").hidden = state.found.length > 0;
  byId("conditions").replaceChildren(...(state.found.length ? [] : conditions().map(removeButton)));
}

byId("show-all").addEventListener("click", showAll);
