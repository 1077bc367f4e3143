// What a model's metadata says to the page: facts, labels, and inputs of its signatures.

const NO_LABEL = -1;
const EACH_IN_TURN = "each";
// Inputs that the page has values for; others are conditions that it gives zeros for.
const KNOWN_INPUTS = [
  "seed", "temperature", "label", "has_condition", "image", "image_bytes", "mask_bytes",
];

/** Terms and descriptions for the page's head. */
export function facts(metadata, version) {
  const [height, width, channels] = metadata.image_shape;
  const colours = { 1: "grey", 3: "RGB" }[channels] ?? `${channels} channels`;
  const bits = metadata.bits_per_dim;
  return [
    ["Image", `${width} × ${height}, ${colours}`],
    ["Levels", metadata.num_levels.toLocaleString("en")],
    ["Bits/dim", typeof bits === "number" ? bits.toFixed(3) : null],
    ["Parameters", metadata.num_parameters?.toLocaleString("en")],
    ["Model", metadata.model],
    ["Version", version],
  ].filter(([, description]) => description);
}

/** Options of the label field, [value, text]; [] where there is nothing to choose. */
export function labelOptions(metadata) {
  const none = metadata.conditions_optional ? [[`${NO_LABEL}`, "none"]] : [];
  const classes = metadata.conditions.label?.num_classes;
  if (!classes) return none.length ? [...none, ["0", "zeros"]] : [];
  const option = (_, i) => [`${i}`, labelName(metadata, i)];
  const labels = Array.from({ length: classes }, option);
  return [...labels, [EACH_IN_TURN, "each in turn"], ...none];
}

/** A sentence about conditions that the page cannot give; null where there are none. */
export function zerosNote(metadata) {
  const shapes = zeroInputs(metadata, "sample_png").map(
    ([name, { shape }]) => `${name} (${shape.slice(1).join(" × ")})`,
  );
  if (!shapes.length) return null;
  return `This page cannot give this model’s ${shapes.join(" and ")}: it gives zeros.`;
}

/** The labels of images first to first + count - 1; null where the model takes none. */
export function labelsOf(metadata, choice, first, count) {
  const classes = metadata.conditions.label?.num_classes;
  if (!classes) return null;
  const label = (i) => (choice === EACH_IN_TURN ? i % classes : Number(choice));
  return Array.from({ length: count }, (_, i) => label(first + i));
}

/** What a label is called; null for none. */
export function labelName(metadata, label) {
  if (label === NO_LABEL) return null;
  return metadata.label_names?.[label] ?? `${label}`;
}

/** The conditions of `count` rows, for a signature's inputs. */
export function conditionInputs(metadata, signature, choice, labels, count) {
  const rows = (value) => Array.from({ length: count }, () => value);
  const inputs = Object.fromEntries(
    zeroInputs(metadata, signature).map(([name, { shape }]) => [
      name, rows(zeros(shape.slice(1))),
    ]),
  );
  if (labels) inputs.label = labels;
  if (metadata.signatures[signature].inputs.has_condition) {
    inputs.has_condition = rows(Number(choice) === NO_LABEL ? 0 : 1);
  }
  return inputs;
}

function zeroInputs(metadata, signature) {
  const inputs = metadata.signatures[signature]?.inputs ?? {};
  return Object.entries(inputs).filter(([name]) => !KNOWN_INPUTS.includes(name));
}

function zeros([length, ...rest]) {
  if (length === undefined) return 0;
  return Array.from({ length }, () => zeros(rest));
}
