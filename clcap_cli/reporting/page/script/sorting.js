// ---- Order of the list

/** Sort images by the chosen axis, unknown values last; by the filter's order if none is chosen. */
function sorted(found) {
  const { order } = FILTERS[state.filter];
  const axis = axisOf(state.sort);
  if (!axis) return order ? found.sort(order) : found;
  const sign = state.isAscending ? 1 : -1;
  const keys = found.map((image) => [axis.value(image), image]);
  const compare = ([first], [second]) => Number.isNaN(first) - Number.isNaN(second) || sign * (first - second) || 0;
  return keys.sort(compare).map(([, image]) => image);
}

/** The order of the list in words. */
function orderText() {
  const axis = axisOf(state.sort);
  if (!axis) return FILTERS[state.filter].orderText;
  return `sorted by ${lowerFirst(axis.label)}, ${state.isAscending ? "lowest" : "highest"} first`;
}

function renderSorting() {
  fillAxes(byId("sort"), state.sort);
  byId("direction").hidden = !state.sort;
  byId("direction").textContent = state.isAscending ? "↑ Lowest first" : "↓ Highest first";
}

byId("sort").addEventListener("change", (event) => changeState({ sort: event.target.value }));
byId("direction").addEventListener("click", () => changeState({ isAscending: !state.isAscending }));
