// Where a picture surprises the model: -log p of each pixel, in colours.

const COLOURS = [[0, 0, 4], [120, 28, 109], [237, 105, 37], [252, 255, 164]];

/** The levels of an image, (height, width, channels), as the model takes them. */
export function levelsOf(image, [height, width, channels], numLevels) {
  const paper = Object.assign(document.createElement("canvas"), { height, width });
  const context = paper.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const level = (value) => Math.round((value * (numLevels - 1)) / 255);
  const rows = (count, each) => Array.from({ length: count }, (_, i) => each(i));
  return rows(height, (row) => rows(width, (column) => rows(
    channels, (channel) => level(data[4 * (row * width + column) + channel]),
  )));
}

/**
 * Colours a canvas: dark where nothing surprises, light where most does.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[][][]} nats - log probabilities, (height, width, channels).
 * @returns {number} the surprise of the whole image, in bits per dimension.
 */
export function drawHeat(canvas, nats) {
  const surprise = nats.map((row) => row.map((pixel) => -sum(pixel)));
  const [height, width] = [nats.length, nats[0].length];
  const highest = Math.max(...surprise.flat(), 1e-9);
  Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d");
  surprise.forEach((row, y) => row.forEach((value, x) => {
    context.fillStyle = `rgb(${colour(Math.max(value, 0) / highest).join(" ")})`;
    context.fillRect(x, y, 1, 1);
  }));
  return sum(surprise.flat()) / (height * width * nats[0][0].length * Math.LN2);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** The colour of a share from 0 to 1, between the two nearest of `COLOURS`. */
function colour(share) {
  const place = share * (COLOURS.length - 1);
  const index = Math.min(Math.floor(place), COLOURS.length - 2);
  const mix = (low, i) => Math.round(low + (COLOURS[index + 1][i] - low) * (place - index));
  return COLOURS[index].map(mix);
}
