"""A SavedModel whose signatures show what came in, or are strange in some way."""

import tensorflow as tf

# What the signature `echo` takes, and gives back under the same names.
ECHO = {
    "label": tf.TensorSpec([None], tf.int32),
    "time": tf.TensorSpec([None], tf.int64),
    "embedding": tf.TensorSpec([None, 3], tf.float32),
    "spatial": tf.TensorSpec([None, 2, 1, 2], tf.float32),
    "spherical": tf.TensorSpec([None], tf.bool),
    "text": tf.TensorSpec([None], tf.string),
    "pair": tf.TensorSpec([None, 2], tf.string),
}

# Inputs that cannot be given, and what the loader says that it received.
STRANGE_INPUTS = {
    "any_shape": (tf.TensorSpec(None), "any shape"),
    "no_axes": (tf.TensorSpec([]), "()"),
    "unknown_size": (tf.TensorSpec([None, None, 3]), "(?, ?, 3)"),
    "too_large": (tf.TensorSpec([None, 2**16, 2**15]), "(?, 65536, 32768)"),
    "too_many_axes": (tf.TensorSpec([2] + [1] * 8), "(2, 1, 1, 1, 1, 1, 1, 1, ...)"),
    "of_bytes": (tf.TensorSpec([None], tf.uint8), "uint8"),
    "of_a_rare_type": (
        tf.TensorSpec([None], tf.qint8),
        "number 11 of TensorFlow's DataType",
    ),
}


def _echo(**inputs):
    return {name: tf.identity(value) for name, value in inputs.items()}


def _types(seed):
    """Outputs of the types that `echo` has not, and of other shapes."""
    return {
        "picture": tf.cast(seed, tf.uint8)[:, tf.newaxis, tf.newaxis, tf.newaxis],
        "count": tf.size(seed),
        "nothing": tf.zeros([tf.size(seed), 0]),
        "no_rows": tf.zeros([0, 2]),
    }


def _bytes_of(size):
    """As many bytes as each row says, of one value, as a PNG's name would be."""
    letters = tf.map_fn(
        lambda n: tf.strings.reduce_join(tf.repeat("\x01", n)), size, tf.string
    )
    return {"image_bytes": letters}


def _refuse(temperature):
    rule = "temperature must be finite numbers above 0."
    check = tf.debugging.Assert(
        tf.reduce_all(temperature > 0), [rule, "Received:", temperature]
    )
    with tf.control_dependencies([check]):
        return {"temperature": tf.identity(temperature)}


def _signatures():
    numbers = tf.TensorSpec([None])
    integers = tf.TensorSpec([None], tf.int32)
    yield "echo", _echo, ECHO
    yield "types", _types, {"seed": tf.TensorSpec([None], tf.int64)}
    yield "large", _echo, {"spatial": tf.TensorSpec([None, 60, 60, 3])}
    yield "nothing", _echo, {"label": integers, "nothing": tf.TensorSpec([None, 0])}
    yield "png", _bytes_of, {"size": integers}
    yield "refuse", _refuse, {"temperature": numbers}
    yield "own_option", _echo, {"rows": integers}
    yield "too_many", _echo, {f"input_{i}": numbers for i in range(17)}
    yield "strange_output", lambda a: {"b": tf.cast(a, tf.float64)}, {"a": numbers}
    for name, (spec, _) in STRANGE_INPUTS.items():
        yield name, _echo, {"strange": spec}


def save_hand_made(path):
    """Saves the model and gives its directory."""
    module = tf.Module()
    functions = {
        name: (tf.function(call), specs) for name, call, specs in _signatures()
    }
    compiled = tf.function(lambda a: {"b": tf.sin(a)}, jit_compile=True)
    functions["compiled"] = (compiled, {"a": tf.TensorSpec([None])})
    module.functions = [function for function, _ in functions.values()]
    signatures = {
        name: function.get_concrete_function(
            **{key: tf.TensorSpec(s.shape, s.dtype, key) for key, s in specs.items()}
        )
        for name, (function, specs) in functions.items()
    }
    tf.saved_model.save(module, path, signatures=signatures)
    return path
