// ---- Maps of attention over pictures

const MAP_SIDE = 256; // pixels of a map's shorter side; the browser scales it to the picture
const RASTER = 64; // cells per side in which overlapping boxes are combined
const SHADE = 0.78; // opacity over what a word did not attend to

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
