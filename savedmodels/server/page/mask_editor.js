// A mask painted over an image: what is marked shall be drawn anew.

const SHEET = 384; // pixels of the screen along the longer side
const MARK = "rgb(232 89 12 / 62%)";
const ERASER_OF_PEN = 32; // in PointerEvent.buttons
const STEPS = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
};

/** A canvas that shows an image enlarged, and a mask to paint over it. */
export class MaskEditor {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} outline - laid over the canvas where the brush is.
   * @param {function} onChange - called when the mask or the brush's place changes.
   */
  constructor(canvas, outline, onChange) {
    this.canvas = canvas;
    this.outline = outline;
    this.onChange = onChange;
    this.brush = 1;
    this.erases = false;
    this.width = this.height = 0;
    this.place = null; // the brush's column and row
    this.listen();
  }

  /** Shows another image; the mask stays where the size does. */
  load(image, [height, width]) {
    if (height !== this.height || width !== this.width) {
      this.marked = new Uint8Array(height * width);
      this.place = null;
    }
    Object.assign(this, { image, height, width });
    this.scale = Math.max(1, Math.floor(SHEET / Math.max(height, width)));
    this.canvas.width = width * this.scale;
    this.canvas.height = height * this.scale;
    this.redraw();
  }

  /** How many pixels are marked. */
  get count() {
    return this.marked.reduce((sum, one) => sum + one, 0);
  }

  /** Whether the pixel under the brush is marked; null while there is no brush. */
  get here() {
    if (!this.place) return null;
    const [column, row] = this.place;
    return { column, row, marked: Boolean(this.marked[row * this.width + column]) };
  }

  setBrush(size) {
    this.brush = size;
    this.showOutline();
  }

  clear() {
    this.change(() => 0);
  }

  invert() {
    this.change((one) => 1 - one);
  }

  markLowerHalf() {
    const above = Math.floor(this.height / 2) * this.width;
    this.change((one, i) => (i >= above ? 1 : 0));
  }

  /** The mask as a PNG in base64: white where the image is known and kept. */
  maskPng() {
    return asPng(this.marked, this.height, this.width);
  }

  change(value) {
    this.marked = this.marked.map(value);
    this.redraw();
  }

  redraw() {
    const context = this.canvas.getContext("2d");
    const { scale, width } = this;
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.image, 0, 0, this.canvas.width, this.canvas.height);
    context.fillStyle = MARK;
    // A gap between the marks shows the image's own pixels.
    const size = scale > 4 ? scale - 1 : scale;
    this.marked.forEach((one, i) => {
      const [column, row] = [i % width, Math.floor(i / width)];
      if (one) context.fillRect(column * scale, row * scale, size, size);
    });
    this.showOutline();
    this.onChange();
  }

  // The brush.

  listen() {
    const on = (name, act) => this.canvas.addEventListener(name, act.bind(this));
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.lift);
    on("pointercancel", this.lift);
    on("pointerleave", this.leave);
    on("keydown", this.key);
    on("focus", this.focus);
    on("blur", this.leave);
  }

  press(event) {
    if (event.button !== 0 && !(event.buttons & ERASER_OF_PEN)) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { erases: this.erases || Boolean(event.buttons & ERASER_OF_PEN) };
    this.place = this.pixelAt(event);
    this.paintTo(this.place);
  }

  move(event) {
    const place = this.pixelAt(event);
    if (this.stroke) this.paintTo(place);
    this.place = place;
    this.showOutline();
  }

  lift() {
    this.stroke = null;
  }

  leave() {
    if (!this.stroke) this.outline.hidden = true;
  }

  focus() {
    // Where a pointer is, it says itself where the brush is.
    if (!this.canvas.matches(":focus-visible")) return;
    this.place ??= [Math.floor(this.width / 2), Math.floor(this.height / 2)];
    this.showOutline();
    this.onChange();
  }

  key(event) {
    const [right, down] = STEPS[event.key] ?? [0, 0];
    if (!STEPS[event.key] && event.key !== " ") return;
    event.preventDefault();
    this.place ??= [Math.floor(this.width / 2), Math.floor(this.height / 2)];
    const [column, row] = this.place;
    this.place = [clamp(column + right, this.width), clamp(row + down, this.height)];
    if (event.key === " ") this.stamp(this.place, this.erases);
    this.redraw();
  }

  pixelAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = ((event.clientX - box.left) / box.width) * this.width;
    const row = ((event.clientY - box.top) / box.height) * this.height;
    return [clamp(Math.floor(column), this.width), clamp(Math.floor(row), this.height)];
  }

  /** Paints every pixel from the brush's place to another: fast strokes have no gaps. */
  paintTo([column, row]) {
    const [fromColumn, fromRow] = this.place;
    const steps = Math.max(Math.abs(column - fromColumn), Math.abs(row - fromRow), 1);
    for (let i = 0; i <= steps; i += 1) {
      const at = (from, to) => Math.round(from + ((to - from) * i) / steps);
      this.stamp([at(fromColumn, column), at(fromRow, row)], this.stroke.erases);
    }
    this.redraw();
  }

  stamp(place, erases) {
    const { left, top, right, bottom } = this.footprint(place);
    for (let row = top; row < bottom; row += 1) {
      this.marked.fill(erases ? 0 : 1, row * this.width + left, row * this.width + right);
    }
  }

  /** The square of pixels that the brush covers, within the image. */
  footprint([column, row]) {
    const before = Math.floor((this.brush - 1) / 2);
    return {
      left: Math.max(0, column - before),
      top: Math.max(0, row - before),
      right: Math.min(this.width, column - before + this.brush),
      bottom: Math.min(this.height, row - before + this.brush),
    };
  }

  showOutline() {
    this.outline.hidden = !this.place || !this.canvas.matches(":hover, :focus-visible");
    if (this.outline.hidden) return;
    const { left, top, right, bottom } = this.footprint(this.place);
    const percent = (value, whole) => `${(100 * value) / whole}%`;
    this.outline.style.left = percent(left, this.width);
    this.outline.style.top = percent(top, this.height);
    this.outline.style.width = percent(right - left, this.width);
    this.outline.style.height = percent(bottom - top, this.height);
  }
}

function clamp(value, length) {
  return Math.min(Math.max(value, 0), length - 1);
}

/** The mask of an image that is known everywhere, as a PNG in base64. */
export function emptyMask([height, width]) {
  return asPng(new Uint8Array(height * width), height, width);
}

function asPng(marked, height, width) {
  const paper = Object.assign(document.createElement("canvas"), { height, width });
  const context = paper.getContext("2d");
  const pixels = context.createImageData(width, height);
  marked.forEach((one, i) => {
    pixels.data.fill(one ? 0 : 255, 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  });
  context.putImageData(pixels, 0, 0);
  return paper.toDataURL("image/png").split(",")[1];
}
