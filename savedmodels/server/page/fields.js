// What stands in the page's fields, checked as far as it must be to be sent.

import { Refusal } from "./server.js";

const LOWEST_SEED = -(2n ** 63n);
const HIGHEST_SEED = 2n ** 63n - 1n;
const MOST_IMAGES = 64;

/** An element of the page, by its id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Reads the fields of a draw.
 *
 * @param {string} seedId - the field of the first seed.
 * @param {string} countId - the field of the number of images.
 * @returns {{seed: bigint, count: number, temperature: number, label: string}}
 * @throws {Refusal} whose sentence tells what a field must hold; it gets the focus.
 */
export function readFields(seedId, countId) {
  const count = readCount(byId(countId));
  return {
    count,
    seed: readSeed(byId(seedId), count),
    temperature: readTemperature(byId("temperature")),
    label: byId("label").value,
  };
}

function readCount(field) {
  const count = Number(field.value);
  const possible = Number.isInteger(count) && count >= 1 && count <= MOST_IMAGES;
  const rule = `The number of images must be an integer from 1 to ${MOST_IMAGES}.`;
  return accept(field, possible, rule, count);
}

function readSeed(field, count) {
  const text = field.value.trim();
  const seed = /^[-+]?\d+$/.test(text) ? BigInt(text.replace("+", "")) : null;
  const highest = HIGHEST_SEED - BigInt(count - 1);
  const possible = seed !== null && seed >= LOWEST_SEED && seed <= highest;
  const rule = "The seeds of all images must be integers from -2^63 to 2^63 - 1.";
  return accept(field, possible, rule, seed);
}

/** Any number: which ones are possible is for the server to say. */
function readTemperature(field) {
  const rule = "The temperature must be a number above 0.";
  return accept(field, field.value !== "", rule, Number(field.value));
}

function accept(field, possible, rule, value) {
  field.setAttribute("aria-invalid", `${!possible}`);
  if (possible) return value;
  field.focus();
  throw new Refusal(`${rule} Received: ${field.value.trim() || "nothing"}`);
}

/** Puts a random seed, short enough to be told, into a field. */
export function throwDice(field) {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  field.value = `${number % 1_000_000}`;
  field.removeAttribute("aria-invalid");
}

/** Keeps a slider and the field of its number alike. */
export function keepAlike(slider, field) {
  slider.addEventListener("input", () => { field.value = slider.value; });
  field.addEventListener("input", () => { slider.value = field.value; });
}

/** A file's bytes in base64. */
export function fileAsBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refusal(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}
