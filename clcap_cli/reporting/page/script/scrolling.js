// ---- Regions that scroll sideways: a stop of the Tab key only while there is something to scroll

const scrollable = new ResizeObserver((entries) => entries.forEach(({ target }) => setTabStop(target.closest(".scroll"))));

function setTabStop(region) {
  if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
  else region.removeAttribute("tabindex");
}

for (const region of document.querySelectorAll(".scroll")) {
  scrollable.observe(region);
  for (const table of region.children) scrollable.observe(table);
}
