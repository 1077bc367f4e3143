"""Tests of the search for what a stock server cannot run."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from savedmodels.publish.graph_scan import check_graph

ROWS = tf.TensorSpec([None], tf.float32, name="x")


def save(folder, function, spec=ROWS, **others):
    """A SavedModel with one signature, and functions that no signature calls."""
    module = tf.Module()
    module.others = [
        tf.function(f).get_concrete_function(ROWS) for f in others.values()
    ]
    signature = tf.function(lambda x: {"y": function(x)}, input_signature=[spec])
    tf.saved_model.save(module, folder, signatures={"double": signature})
    return folder


def python_function(x):
    return tf.ensure_shape(
        tf.py_function(lambda value: value * 2, [x], x.dtype), [None]
    )


def numpy_function(x):
    double = tf.numpy_function(lambda value: value * 2, [x], x.dtype)
    return tf.ensure_shape(double, [None])


def stateless_numpy_function(x):
    double = tf.numpy_function(lambda value: value * 2, [x], x.dtype, stateful=False)
    return tf.ensure_shape(double, [None])


@tf.function(jit_compile=True)
def compiled_function(x):
    return x * 2


def inside_a_loop(function):
    return lambda x: tf.map_fn(lambda y: function(y[None])[0], x)


def edit(folder, change):
    """Changes the graph of a SavedModel."""
    file, content = folder / "saved_model.pb", SavedModel()
    content.ParseFromString(file.read_bytes())
    change(content.meta_graphs[0].graph_def)
    file.write_bytes(content.SerializeToString())
    return folder


def test_a_graph_of_stock_operations_passes(tmp_path):
    def draw(x):
        noise = tf.random.stateless_uniform(tf.shape(x), [1, 2], alg="philox")
        return tf.map_fn(lambda y: tf.cond(y > 0, lambda: y, lambda: -y), x + noise)

    check_graph(save(tmp_path, draw))


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (python_function, "EagerPyFunc"),
        (numpy_function, "PyFunc"),
        (stateless_numpy_function, "PyFuncStateless"),
        (inside_a_loop(python_function), "EagerPyFunc"),
    ],
)
def test_python_functions_are_found(tmp_path, function, operation):
    folder = save(tmp_path, function)
    message = (
        rf"Received: {operation}, the node '.+' in the function '.+', of the "
        r"signatures double. It calls a Python function, .*TensorFlow's operations\."
    )
    with pytest.raises(ValueError, match=message):
        check_graph(folder)


@pytest.mark.parametrize(
    "function", [compiled_function, inside_a_loop(compiled_function)]
)
def test_functions_that_xla_compiles_are_found(tmp_path, function):
    folder = save(tmp_path, function)
    message = "of the signatures double. It is compiled by XLA.* without jit_compile"
    with pytest.raises(ValueError, match=message):
        check_graph(folder)


def test_functions_that_no_signature_calls_are_found(tmp_path):
    folder = save(tmp_path, lambda x: x * 2, other=python_function)
    with pytest.raises(ValueError, match=r"EagerPyFunc.* of no signature"):
        check_graph(folder)


def _rename_multiplication(name):
    def change(graph):
        nodes = [n for f in graph.library.function for n in f.node_def if n.op == "Mul"]
        nodes[0].op = name

    return change


@pytest.mark.parametrize(
    ("operation", "hint"),
    [
        ("XlaCallModule", "It is compiled by XLA"),
        ("XlaLaunch", "It is compiled by XLA"),
        ("FancyMultiply", "It is no operation of stock TensorFlow"),
    ],
)
def test_operations_that_servers_lack_are_found(tmp_path, operation, hint):
    folder = save(tmp_path, lambda x: x * 2)
    edit(folder, _rename_multiplication(operation))
    with pytest.raises(ValueError, match=f"{operation}, the node .* double. {hint}"):
        check_graph(folder)


def test_the_main_graph_is_searched_too(tmp_path):
    folder = save(tmp_path, lambda x: x * 2)
    edit(folder, lambda graph: graph.node.add(name="own", op="FancyMultiply"))
    with pytest.raises(ValueError, match="the node 'own' in the main graph"):
        check_graph(folder)


@pytest.mark.parametrize("must", [True, False])
def test_calls_that_xla_must_compile_are_found(tmp_path, must):
    folder = save(tmp_path, lambda x: x * 2)

    def mark(graph):
        (call,) = [n for n in graph.node if n.name == "StatefulPartitionedCall"]
        call.attr["_XlaMustCompile"].b = must

    edit(folder, mark)
    if must:
        with pytest.raises(ValueError, match=r"StatefulPartitionedCall.* main graph"):
            check_graph(folder)
    else:
        check_graph(folder)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (tf.reduce_sum, r"\(\)"),
        (lambda x: tf.stack([tf.reduce_sum(x)] * 3), r"\(3,\)"),
        (lambda x: tf.reshape(x, tf.cast(x, tf.int32)), "<unknown>"),
    ],
)
def test_outputs_lead_with_the_batch(tmp_path, function, shape):
    folder = save(tmp_path, function)
    message = f"Received: output 'y' of the signature 'double', of shape {shape}"
    with pytest.raises(ValueError, match=message):
        check_graph(folder)


@pytest.mark.parametrize("shape", [[], [3], None])
def test_inputs_lead_with_the_batch(tmp_path, shape):
    spec = tf.TensorSpec(shape, tf.float32, name="x")
    folder = save(tmp_path, lambda x: tf.reshape(x, [-1]), spec)
    with pytest.raises(
        ValueError, match="Received: input 'x' of the signature 'double'"
    ):
        check_graph(folder)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.half])
def test_half_numbers_do_not_travel(tmp_path, dtype):
    folder = save(tmp_path, lambda x: tf.cast(x, dtype))
    message = f"output 'y' of .*, of type {dtype.name}. Cast it to float32"
    with pytest.raises(ValueError, match=message):
        check_graph(folder)


def test_a_missing_or_damaged_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold a SavedModel"):
        check_graph(tmp_path)
    file = tmp_path / "saved_model.pb"
    file.write_bytes(b"\xff" * 10)
    with pytest.raises(ValueError, match=r"saved_model\.pb is damaged"):
        check_graph(tmp_path)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="holds no graph"):
        check_graph(tmp_path)
