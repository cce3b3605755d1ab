// ---- Long names of runs

/** Write a name into an element with places where a line may break: after underscores, dots, commas and equals signs. */
function writeName(element, name) {
  const parts = name.split(/(?<=[_.,=])(?=.)/s);
  element.replaceChildren(...parts.flatMap((part, at) => (at ? [document.createElement("wbr"), part] : [part])));
}
