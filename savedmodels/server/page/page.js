// The page: choose a model and what to draw; see samples appear; complete them.

import { perform, say, showError, tellProgress, watchBar } from "./activity.js";
import { byId, fileAsBase64, keepAlike, readFields, throwDice } from "./fields.js";
import { decoded, Gallery } from "./gallery.js";
import { drawHeat, levelsOf } from "./heat_map.js";
import { emptyMask, MaskEditor } from "./mask_editor.js";
import {
  conditionInputs, facts, labelName, labelOptions, labelsOf, zerosNote,
} from "./model.js";
import { currentVersion, metadata, modelNames, predict, Refusal } from "./server.js";

const MOST_AT_ONCE = 8;
const MOST_LEVELS = 256; // that a browser tells apart
const SCORE = "log_prob_per_value";

/** The model in use, and the PNG in the editor. */
const current = { name: null, version: null, metadata: null, png: null };

const editor = new MaskEditor(byId("canvas"), byId("brush-outline"), tellMask);
const samples = new Gallery(byId("samples"), edit);
const completions = new Gallery(byId("completions"), edit);

// The model.

async function start(signal) {
  const names = await modelNames();
  if (!names.length) throw new Refusal("The server has no models.");
  byId("model").replaceChildren(...names.map((name) => new Option(name, name)));
  byId("model-field").hidden = names.length === 1;
  byId("title").classList.toggle("hidden", names.length > 1);
  return chooseModel(names[0], signal);
}

async function chooseModel(name, signal) {
  Object.assign(current, { name, version: null, metadata: null, png: null });
  document.body.removeAttribute("data-ready");
  for (const gallery of [samples, completions]) gallery.expect(0, [1, 1]);
  byId("workbench").hidden = true;
  byId("title").textContent = name;
  byId("facts").replaceChildren();
  await refresh(signal);
  document.body.setAttribute("data-ready", "");
  return "";
}

/** Reads the metadata again when the server has another version by now. */
async function refresh(signal) {
  const version = await availableVersion(signal);
  if (version === current.version) return;
  const found = await metadata(current.name);
  checkDrawable(found);
  Object.assign(current, { version, metadata: found });
  showModel();
}

/** Waits while the first version is being loaded. */
async function availableVersion(signal) {
  let version = await currentVersion(current.name);
  while (version === null) {
    say(`The server is loading ${current.name}.`);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    signal.throwIfAborted();
    version = await currentVersion(current.name);
  }
  return version;
}

function checkDrawable({ signatures, image_shape: [, , channels] }) {
  if (signatures.sample_png) return;
  const rule = "This page shows PNG images, and the model gives none";
  const received = `its images have ${channels} channels`;
  throw new Refusal(`${rule}: ${received}. Use the Python client.`);
}

function showModel() {
  const list = facts(current.metadata, current.version).map(([term, description]) => {
    const group = document.createElement("div");
    for (const [tag, text] of [["dt", term], ["dd", description]]) {
      group.append(Object.assign(document.createElement(tag), { textContent: text }));
    }
    return group;
  });
  byId("facts").replaceChildren(...list);
  showConditions();
  const [height, width] = current.metadata.image_shape;
  byId("brush").max = Math.max(2, Math.ceil(Math.max(height, width) / 3));
}

function showConditions() {
  const label = byId("label");
  const chosen = label.value;
  const options = labelOptions(current.metadata);
  label.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) label.value = chosen;
  byId("label-field").hidden = !options.length;
  const isLabel = Boolean(current.metadata.conditions.label);
  byId("label-name").textContent = isLabel ? "Label" : "Condition";
  const note = zerosNote(current.metadata);
  byId("zeros-note").textContent = note;
  byId("zeros-note").hidden = !note;
}

// Drawing.

/** Sizes of requests: the first image at once, then more at a time. */
function* requests(count) {
  const most = Math.min(MOST_AT_ONCE, current.metadata.max_batch_size ?? Infinity);
  let first = 0;
  for (let size = 1; first < count; size = Math.min(2 * size, most)) {
    const rows = Math.min(size, count - first);
    yield [first, rows];
    first += rows;
  }
}

/** Calls a signature for all images of a draw, and shows each as it comes. */
async function drawInto(gallery, signature, fields, images, signal) {
  gallery.expect(fields.count, current.metadata.image_shape);
  try {
    for (const [first, rows] of requests(fields.count)) {
      tellProgress("Drawing", first, fields.count);
      await drawRows(gallery, signature, fields, images, first, rows, signal);
    }
  } finally {
    gallery.settle();
  }
  const last = fields.seed + BigInt(fields.count - 1);
  if (fields.count === 1) return `Drawn: 1 image, seed ${last}.`;
  return `Drawn: ${fields.count} images, seeds ${fields.seed} to ${last}.`;
}

async function drawRows(gallery, signature, fields, images, first, rows, signal) {
  const each = (value) => Array.from({ length: rows }, (_, i) => value(i));
  const labels = labelsOf(current.metadata, fields.label, first, rows);
  const seeds = each((i) => fields.seed + BigInt(first + i));
  const inputs = {
    ...conditionInputs(current.metadata, signature, fields.label, labels, rows),
    seed: seeds,
    temperature: each(() => fields.temperature),
  };
  for (const [name, png] of Object.entries(images)) {
    inputs[name] = each(() => ({ b64: png }));
  }
  const drawn = await predict(current.name, signature, inputs, "image_bytes", signal);
  drawn.forEach(({ b64: png }, i) => {
    const label = labels && labelName(current.metadata, labels[i]);
    gallery.show(first + i, { png, seed: seeds[i], label });
  });
}

async function draw(signal) {
  await refresh(signal);
  const fields = readFields("seed", "count");
  return drawInto(samples, "sample_png", fields, {}, signal);
}

async function complete(signal) {
  await refresh(signal);
  const fields = readFields("completion-seed", "completion-count");
  if (!editor.count) {
    throw new Refusal("Nothing is marked: paint over what shall be drawn anew.");
  }
  const images = { image_bytes: current.png, mask_bytes: editor.maskPng() };
  return drawInto(completions, "complete_png", fields, images, signal);
}

// The editor.

/** Shows where the image in the editor surprises the model. */
async function score(signal) {
  await refresh(signal);
  const { metadata: found } = current;
  const { label } = readFields("seed", "count");
  const labels = labelsOf(found, label, 0, 1);
  const image = levelsOf(editor.image, found.image_shape, found.num_levels);
  const inputs = { ...conditionInputs(found, SCORE, label, labels, 1), image: [image] };
  const [nats] = await predict(current.name, SCORE, inputs, SCORE, signal);
  const bits = drawHeat(byId("heat"), nats);
  byId("heat-note").textContent = `${bits.toFixed(3)} bits/dim; light is surprising.`;
  byId("heat-figure").hidden = false;
  return "";
}

async function edit({ png, seed, label }) {
  const title = ["A sample", label && `of ${label}`, `with seed ${seed}`];
  await open(png, `${title.filter(Boolean).join(" ")}.`);
  byId("workbench").scrollIntoView({ block: "nearest" });
}

async function open(png, title) {
  const image = await decoded(png);
  current.png = png;
  byId("complete-note").textContent = title;
  byId("workbench").hidden = false;
  byId("heat-figure").hidden = true;
  const { num_levels: levels, signatures } = current.metadata;
  byId("score").hidden = !signatures[SCORE] || levels > MOST_LEVELS;
  editor.load(image, current.metadata.image_shape);
}

/** The server reads an uploaded image, and gives it back as the model sees it. */
async function upload(file, signal) {
  await refresh(signal);
  const { label } = readFields("seed", "count");
  const labels = labelsOf(current.metadata, label, 0, 1);
  const [{ b64: png }] = await predict(
    current.name,
    "complete_png",
    {
      ...conditionInputs(current.metadata, "complete_png", label, labels, 1),
      image_bytes: [{ b64: await fileAsBase64(file) }],
      mask_bytes: [{ b64: emptyMask(current.metadata.image_shape) }],
      seed: [0n],
      temperature: [1],
    },
    "image_bytes",
    signal,
  );
  await open(png, `${file.name}, as the model reads it.`);
  return byId("score").hidden ? "" : score(signal);
}

function tellMask() {
  const pixels = editor.width * editor.height;
  const words = [`${editor.count} of ${pixels} pixels will be drawn anew.`];
  if (editor.here && byId("canvas").matches(":focus-visible")) {
    const { column, row, marked } = editor.here;
    words.push(`Row ${row + 1}, column ${column + 1}: ${marked ? "marked" : "kept"}.`);
  }
  byId("marked").textContent = words.join(" ");
}

function setBrush() {
  editor.setBrush(Number(byId("brush").value));
  byId("brush-size").textContent = `${editor.brush} × ${editor.brush}`;
}

// The fields and buttons.

function onSubmit(id, task) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    perform(task);
  });
}

function listen() {
  onSubmit("settings", draw);
  onSubmit("completion", complete);
  const on = (id, name, act) => byId(id).addEventListener(name, act);
  on("model", "change", ({ target }) => {
    perform((signal) => chooseModel(target.value, signal));
  });
  on("upload", "change", ({ target }) => {
    const [file] = target.files;
    target.value = ""; // the same file may be chosen again
    if (file) perform((signal) => upload(file, signal));
  });
  // A picture may be dropped anywhere: the browser would else leave the page for it.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) perform((signal) => upload(file, signal));
  });
  on("score", "click", () => perform(score));
  on("lower-half", "click", () => editor.markLowerHalf());
  on("invert", "click", () => editor.invert());
  on("clear", "click", () => editor.clear());
  on("brush", "input", setBrush);
  for (const mode of document.getElementsByName("brush-mode")) {
    mode.addEventListener("change", () => { editor.erases = mode.value === "erase"; });
  }
  for (const dice of document.querySelectorAll(".dice")) {
    dice.addEventListener("click", () => throwDice(byId(dice.dataset.for)));
  }
  keepAlike(byId("temperature-slider"), byId("temperature"));
}

// What no one expected is told, too.
addEventListener("unhandledrejection", ({ reason }) => showError(`${reason}`));
watchBar();
listen();
setBrush();
perform(start);
