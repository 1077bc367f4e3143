"""Checks that find in a graph what a stock server cannot run.

Python functions and functions compiled by XLA load well and fail when they are called;
operations that a server does not know fail when they are loaded. Python, which knows
all of them, shows nothing of it.
"""

import os
import pathlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_PYTHON_HINT = (
    "It calls a Python function, which stays in the process that exported it. Write "
    "the function in TensorFlow's operations."
)
_XLA_HINT = (
    "It is compiled by XLA, which stock servers lack. Export functions that were "
    "traced without jit_compile."
)
_UNKNOWN_HINT = (
    "It is no operation of stock TensorFlow. Write it in TensorFlow's own operations."
)
_MUST_COMPILE = "_XlaMustCompile"
_INTERNAL = "__saved_model_"
"""Begins the names of signatures that are not for callers."""


def check_graph(path: str | os.PathLike[str]) -> None:
    """Checks that a stock server can run an export.

    Its graph and all its functions must hold operations of stock TensorFlow only, no
    Python and nothing that XLA must compile. Every input and output of a signature must
    lead with the batch and be of a type that REST carries.

    Args:
        path: the folder of a SavedModel.

    Raises:
        FileNotFoundError: when there is no SavedModel.
        ValueError: when it is damaged, or holds something else; the message names the
            operation and the function, or the signature, and says what to do.
    """
    for meta_graph in _read(pathlib.Path(path)).meta_graphs:
        signatures = {
            name: signature
            for name, signature in meta_graph.signature_def.items()
            if not name.startswith(_INTERNAL)
        }
        _check_operations(meta_graph.graph_def, signatures)
        for name, signature in sorted(signatures.items()):
            for key in sorted(signature.inputs):
                what = f"input {key!r} of the signature {name!r}"
                _check_tensor(what, signature.inputs[key])
            for key in sorted(signature.outputs):
                what = f"output {key!r} of the signature {name!r}"
                _check_tensor(what, signature.outputs[key])


def read_signatures(path: str | os.PathLike[str]) -> dict[str, SignatureDef]:
    """Reads the signatures that callers see, by name.

    Args:
        path: the folder of a SavedModel.

    Raises:
        FileNotFoundError: when there is no SavedModel.
        ValueError: when it is damaged.
    """
    found = _read(pathlib.Path(path)).meta_graphs[0].signature_def
    names = sorted(name for name in found if not name.startswith(_INTERNAL))
    return {name: found[name] for name in names}


def _read(path: pathlib.Path) -> SavedModel:
    file, saved_model = path / "saved_model.pb", SavedModel()
    if not file.is_file():
        raise FileNotFoundError(f"{path} must hold a SavedModel. It has no {file.name}")
    try:
        saved_model.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{file} is damaged: {error}. Export again.") from error
    if not saved_model.meta_graphs:
        raise ValueError(f"{file} holds no graph. Export again.")
    return saved_model


def _check_operations(graph: GraphDef, signatures: Mapping[str, SignatureDef]) -> None:
    for function, what, hint in _unfit(graph):
        callers = [
            name
            for name, signature in sorted(signatures.items())
            if function in _reached(graph, signature)
        ]
        place = f"the function {function!r}" if function else "the main graph"
        of = f"of the signatures {', '.join(callers)}" if callers else "of no signature"
        raise ValueError(
            "An export must hold only what a stock server can run. "
            f"Received: {what} in {place}, {of}. {hint}"
        )


def _unfit(graph: GraphDef) -> Iterator[tuple[str, str, str]]:
    """Lists what a stock server cannot run, with the function it is in, and why.

    The name of the function is empty for the main graph.
    """
    bodies = {f.signature.name: f.node_def for f in graph.library.function}
    for place, nodes in {"": graph.node, **bodies}.items():
        for node in nodes:
            hint = _reason_against(node, bodies.keys())
            if hint:
                yield place, f"{node.op}, the node {node.name!r}", hint
    for function in graph.library.function:
        if function.attr[_MUST_COMPILE].b:
            yield function.signature.name, _MUST_COMPILE, _XLA_HINT


def _reason_against(node: NodeDef, functions: Collection[str]) -> str:
    """Says why a stock server cannot run a node; empty when it can."""
    if node.op in _PYTHON:
        return _PYTHON_HINT
    must_compile = _MUST_COMPILE in node.attr and node.attr[_MUST_COMPILE].b
    if node.op.startswith("Xla") or must_compile:
        return _XLA_HINT
    # Lists what TensorFlow is built with, and not what was loaded into this process.
    if node.op not in functions and not hasattr(tf.raw_ops, node.op):
        return _UNKNOWN_HINT
    return ""


def _reached(graph: GraphDef, signature: SignatureDef) -> set[str]:
    """Finds the functions that a signature calls, and the main graph, ""."""
    nodes = {node.name: node for node in graph.node}
    names = [_node_name(info.name) for info in signature.outputs.values()]
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in nodes and name not in seen:
            seen.add(name)
            names.extend(map(_node_name, nodes[name].input))
    return {"", *_called(graph, [nodes[name] for name in seen])}


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").split(":")[0]


def _called(graph: GraphDef, nodes: Iterable[NodeDef]) -> set[str]:
    """Finds the functions that nodes call, directly or not."""
    bodies = {f.signature.name: f.node_def for f in graph.library.function}
    called: set[str] = set()
    waiting = list(nodes)
    while waiting:
        new = set(_callees(waiting.pop())) & bodies.keys() - called
        called |= new
        waiting.extend(node for name in new for node in bodies[name])
    return called


def _callees(node: NodeDef) -> Iterator[str]:
    yield node.op
    for attribute in node.attr.values():
        yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _check_tensor(what: str, info: TensorInfo) -> None:
    shape = tf.TensorShape(info.tensor_shape)
    if not shape.rank or shape[0] is not None:
        raise ValueError(
            "Every input and output of a signature must lead with the batch, a first "
            "dimension of unknown size: servers put requests together along it. "
            f"Received: {what}, of shape {shape}. Give it a row for each example."
        )
    dtype = tf.as_dtype(info.dtype)
    if dtype in (tf.bfloat16, tf.half):
        raise ValueError(
            "Inputs and outputs of a signature must not be bfloat16 or half, which "
            f"REST does not carry. Received: {what}, of type {dtype.name}. Cast it to "
            "float32."
        )
