// Images in a list: placeholders first, then each image with its caption.

const TILE = 80; // pixels of the screen along the longer side, about

/** A list of images drawn; choosing one calls back with it. */
export class Gallery {
  /**
   * @param {HTMLUListElement} list
   * @param {function} onChoose - called with the image {png, seed, label}: base64 PNG,
   *   BigInt, and a name or null.
   */
  constructor(list, onChoose) {
    this.list = list;
    this.onChoose = onChoose;
    this.before = [];
  }

  /** Empties the list and keeps places for images, so that nothing jumps. */
  expect(count, [height, width]) {
    this.list.style.setProperty("--tile", `${tileWidth(height, width)}px`);
    this.list.style.setProperty("--ratio", `${width} / ${height}`);
    this.before = [...this.list.children];
    this.list.replaceChildren(...Array.from({ length: count }, placeholder));
  }

  /** Shows an image in its place. */
  show(index, image) {
    this.list.children[index].replaceChildren(this.tile(image));
  }

  /** Takes away places that stayed empty; if all did, brings back what was there. */
  settle() {
    if (!this.list.querySelector(".tile")) this.list.replaceChildren(...this.before);
    for (const empty of this.list.querySelectorAll(".empty")) {
      empty.parentElement.remove();
    }
  }

  tile(image) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tile";
    const seed = `seed ${image.seed}`;
    const picture = document.createElement("img");
    picture.src = pngUrl(image.png);
    picture.alt = [image.label, seed].filter(Boolean).join(", ");
    button.append(picture, captionLine("label", image.label), captionLine("seed", seed));
    button.title = "Draw parts of it anew";
    button.addEventListener("click", () => {
      this.choose(button);
      this.onChoose(image);
    });
    return button;
  }

  choose(button) {
    for (const other of document.querySelectorAll(".tile[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    button.setAttribute("aria-current", "true");
  }
}

/** A PNG in base64 as an address. */
export function pngUrl(png) {
  return `data:image/png;base64,${png}`;
}

/** Waits until an image is decoded, and returns it. */
export async function decoded(png) {
  const image = new Image();
  image.src = pngUrl(png);
  await image.decode();
  return image;
}

/** A whole multiple of the image's size, where it fits: all its pixels alike. */
function tileWidth(height, width) {
  return width * Math.max(1, Math.round(TILE / Math.max(height, width)));
}

function placeholder() {
  const item = document.createElement("li");
  const empty = document.createElement("div");
  empty.className = "empty";
  item.append(empty);
  return item;
}

function captionLine(name, text) {
  const line = document.createElement("span");
  line.className = name;
  line.textContent = text ?? "";
  // The picture's own text says it already.
  line.setAttribute("aria-hidden", "true");
  return line;
}
