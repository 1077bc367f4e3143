// What the page is doing: one thing at a time, told in the bar, and cancelled there.

import { byId } from "./fields.js";

let controller = null;

/** Listens to the bar's buttons. */
export function watchBar() {
  byId("cancel").addEventListener("click", () => controller?.abort());
  byId("dismiss").addEventListener("click", () => showError(""));
}

/**
 * Runs a task with the page's buttons disabled, and shows how it ends.
 *
 * @param {function(AbortSignal): Promise<string>} task - returns what to say at the end.
 */
export async function perform(task) {
  if (controller) return;
  controller = new AbortController();
  const focused = document.activeElement;
  showError("");
  setBusy(true);
  try {
    say(await task(controller.signal));
  } catch (error) {
    say(error.name === "AbortError" ? "Cancelled." : "");
    if (error.name !== "AbortError") showError(error.message);
  } finally {
    controller = null;
    setBusy(false);
    giveFocusBack(focused);
  }
}

/** Tells how far a task is. */
export function tellProgress(words, done, count) {
  say(`${words} ${done} of ${count}`);
  Object.assign(byId("progress"), { max: count, value: done, hidden: false });
}

/** Shows a sentence about what went wrong; "" takes it away. */
export function showError(sentence) {
  byId("error").textContent = sentence;
  byId("dismiss").hidden = !sentence;
}

/** Tells what the page is doing, or has done. */
export function say(words) {
  byId("status").textContent = words;
}

function setBusy(busy) {
  document.body.toggleAttribute("data-busy", busy);
  const ready = document.body.hasAttribute("data-ready");
  for (const button of document.querySelectorAll("[data-works]")) {
    button.disabled = busy || (button.dataset.works === "on-model" && !ready);
  }
  byId("cancel").hidden = !busy;
  if (!busy) byId("progress").hidden = true;
}

/** A disabled button loses the focus: those who work by keys want it back. */
function giveFocusBack(element) {
  if (document.activeElement === document.body) element?.focus({ preventScroll: true });
}
