// ---- Events

function changeState(change) {
  const replaces = isTyping(change);
  Object.assign(state, change);
  showState();
  writeAddress(replaces);
  if (byId("images").getBoundingClientRect().top < 0) byId("captions").scrollIntoView();
}

/** Show the state in the controls, the list and the charts. */
function showState() {
  state.notice = isApplicable(state.filter) ? "" : `· No filter: “${filterLabel()}” needs two different runs whose ranks can be compared.`;
  if (state.notice) state.filter = "all";
  if (byId("search").value !== state.query) byId("search").value = state.query;
  for (const name of ["before", "after"]) if (byId(name)) byId(name).value = state[name];
  update();
  updateCharts();
}

const THEMES = ["system", "dark", "light"];

function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
  root.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
}

function onKey(event) {
  const search = byId("search");
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search && search.value) {
    changeState({ query: "" });
  }
}

for (const button of document.querySelectorAll(".metrics th button")) {
  button.addEventListener("click", () => sortTable(button));
}
for (const button of document.querySelectorAll("[data-filter]")) {
  button.dataset.label = button.textContent;
  button.append(" ", fact("", "number"));
  const { filter } = button.dataset;
  button.addEventListener("click", () => changeState(filter === "all" ? noConditions : { filter }));
}
for (const name of ["before", "after"]) {
  byId(name)?.addEventListener("change", () => changeState({ [name]: selectedRun(name) }));
}
byId("search").addEventListener("input", (event) => changeState({ query: event.target.value }));
byId("earlier").addEventListener("click", showEarlier);
byId("more").addEventListener("click", () => {
  const heading = showMore().querySelector("h3");
  heading.tabIndex = -1;
  heading.focus();
});
byId("theme").addEventListener("click", nextTheme);
document.addEventListener("keydown", onKey);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("controls").hidden = false;
byId("exploring").hidden = !images.length;
openAddress();
