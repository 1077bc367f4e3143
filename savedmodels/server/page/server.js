// What the page asks of the server: TF Serving's REST surface, and the list of models.

/** An error whose message is a sentence to be shown. */
export class Refusal extends Error {}

/** Names of the models that the server has. */
export async function modelNames() {
  return (await request("page/models")).models;
}

/** The highest version of a model that answers, as text; null while it is loaded. */
export async function currentVersion(name) {
  const { model_version_status: versions } = await request(modelPath(name));
  const available = versions.filter(({ state }) => state === "AVAILABLE");
  if (available.length) return highest(available.map(({ version }) => BigInt(version)));
  if (versions.some(({ state }) => state === "START" || state === "LOADING")) return null;
  throw new Refusal(`No version of ${name} is available.`);
}

function highest(numbers) {
  return `${numbers.reduce((one, other) => (other > one ? other : one))}`;
}

/** The metadata document of a model: image shape, levels, conditions, signatures. */
export async function metadata(name) {
  const [document] = await predict(name, "metadata", { row: [0] }, "metadata");
  return JSON.parse(document);
}

/**
 * Calls a signature in column form.
 *
 * @param {string} name - the model.
 * @param {string} signature
 * @param {object} inputs - by name, a value a row; BigInts keep all their digits.
 * @param {string} output - the output to return.
 * @param {AbortSignal} [signal] - cancels the request.
 * @returns {Promise<Array>} the output, a value a row.
 */
export async function predict(name, signature, inputs, output, signal) {
  const body = toJson({ signature_name: signature, inputs });
  const headers = { "Content-Type": "application/json" };
  const options = { method: "POST", headers, body, signal };
  const { outputs } = await request(`${modelPath(name)}:predict`, options);
  // TF Serving leaves the name out where there is one output.
  return Array.isArray(outputs) ? outputs : outputs[output];
}

function modelPath(name) {
  return `v1/models/${encodeURIComponent(name)}`;
}

async function request(path, options) {
  const response = await send(path, options);
  const answer = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return { error: `The server answered with ${response.status}, and no JSON.` };
  });
  if (answer.error) throw new Refusal(answer.error);
  if (!response.ok) throw new Refusal(`The server answered with ${response.status}.`);
  return answer;
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer. Is it still running?");
  }
}

/** JSON in which BigInts are numbers: JavaScript's have 53 bits, seeds have 64. */
function toJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value);
  return `{${entries.map(([key, item]) => `"${key}":${toJson(item)}`).join(",")}}`;
}
