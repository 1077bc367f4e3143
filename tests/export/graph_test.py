"""Tests that an export is what a stock server needs."""

import json

import tensorflow as tf

import keras_pixelcnn
from tests.export.conftest import IMAGE_SHAPE, NUM_LEVELS

RANDOM = {"seed": (tf.int64, [None]), "temperature": (tf.float32, [None])}
LABEL = {"label": (tf.int32, [None])}
EMBEDDING = {"embedding": (tf.float32, [None, 2])}
CONDITIONS = {**LABEL, **EMBEDDING}
IMAGE = {"image": (tf.int32, [None, *IMAGE_SHAPE])}
DRAWN = {"image": (tf.uint8, [None, *IMAGE_SHAPE])}
FILES = {"image_bytes": (tf.string, [None])}
SIGNATURES = {
    "sample": ({**RANDOM, **CONDITIONS}, DRAWN),
    "sample_png": ({**RANDOM, **CONDITIONS}, FILES),
    "sample_from_noise": (
        {
            "noise": (tf.float32, [None, *IMAGE_SHAPE]),
            "temperature": (tf.float32, [None]),
            **CONDITIONS,
        },
        DRAWN,
    ),
    "complete": (
        {**IMAGE, "mask": (tf.bool, [None, 4, 3]), **RANDOM, **CONDITIONS},
        DRAWN,
    ),
    "complete_png": (
        {**FILES, "mask_bytes": (tf.string, [None]), **RANDOM, **CONDITIONS},
        {**FILES, "known_share": (tf.float32, [None])},
    ),
    "interpolate": (
        {
            "embedding_a": (tf.float32, [None, 2]),
            "embedding_b": (tf.float32, [None, 2]),
            "position": (tf.float32, [None]),
            "spherical": (tf.bool, [None]),
            **RANDOM,
            **LABEL,
        },
        DRAWN,
    ),
    "log_prob": (
        {**IMAGE, **CONDITIONS},
        {"log_prob": (tf.float32, [None]), "bits_per_dim": (tf.float32, [None])},
    ),
    "log_prob_per_value": (
        {**IMAGE, **CONDITIONS},
        {"log_prob_per_value": (tf.float32, [None, *IMAGE_SHAPE])},
    ),
    "classify": (
        {**IMAGE, **EMBEDDING},
        {"probabilities": (tf.float32, [None, 3]), "label": (tf.int32, [None])},
    ),
    "metadata": ({"row": (tf.int32, [None])}, {"metadata": (tf.string, [None])}),
}
SIGNATURES["serving_default"] = SIGNATURES["sample"]


def _tensors(infos):
    """Types and shapes by name, as the server reads them from the file."""
    return {
        name: (
            tf.as_dtype(info.dtype),
            [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
        )
        for name, info in infos.items()
    }


def test_the_signatures_and_their_types_and_shapes(meta_graph):
    found = {
        name: (_tensors(signature.inputs), _tensors(signature.outputs))
        for name, signature in meta_graph.signature_def.items()
        if not name.startswith("__")
    }
    assert found == SIGNATURES


def _nodes(meta_graph):
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield from function.node_def


def test_the_graph_holds_nothing_that_a_stock_server_lacks(meta_graph):
    ops = {node.op for node in _nodes(meta_graph)}
    assert {"Conv2D", "StatelessRandomUniformFullIntV2"} <= ops  # functions were seen
    assert not {op for op in ops if "PyFunc" in op or op.startswith("Xla")}
    functions = meta_graph.graph_def.library.function
    attributes = {name for node in _nodes(meta_graph) for name in node.attr}
    attributes |= {name for function in functions for name in function.attr}
    assert "_XlaMustCompile" not in attributes


def test_only_restoring_assigns_variables(meta_graph):
    functions = meta_graph.graph_def.library.function
    assigning = {
        function.signature.name
        for function in functions
        if any(node.op.startswith("Assign") for node in function.node_def)
    }
    assert assigning
    assert all("restore" in name for name in assigning), assigning


def test_signatures_share_the_graphs_of_their_scans(meta_graph):
    scans = [
        function.signature.name
        for function in meta_graph.graph_def.library.function
        if "traced_draw" in function.signature.name
        or "traced_complete" in function.signature.name
    ]
    assert len(scans) == 2, scans


def test_what_it_says_of_itself(model, export, loaded):
    text = (export / "assets.extra" / "metadata.json").read_text(encoding="utf-8")
    document = json.loads(text)
    served = loaded.signatures["metadata"](row=tf.constant([7, 8]))["metadata"].numpy()
    assert [json.loads(row) for row in served] == [document, document]
    described = document.pop("signatures")
    assert document == {
        "format_version": 1,
        "package": "keras_pixelcnn",
        "package_version": keras_pixelcnn.__version__,
        "tensorflow_version": tf.__version__,
        "model": "GatedPixelCNN",
        "num_parameters": model.count_params(),
        "image_shape": list(IMAGE_SHAPE),
        "num_levels": NUM_LEVELS,
        "conditions": {
            "label": {"dtype": "int32", "shape": [], "num_classes": 3},
            "embedding": {"dtype": "float32", "shape": [2]},
        },
        "conditions_optional": False,
        "label_names": ["cat", "dog", "ship"],
        "bits_per_dim": 1.25,
        "max_batch_size": None,
    }
    for name, tensors in described.items():
        for mine, said in zip(SIGNATURES[name], tensors.values(), strict=True):
            found = {k: (tf.as_dtype(v["dtype"]), v["shape"]) for k, v in said.items()}
            assert found == mine
    assert set(described) == set(SIGNATURES) - {"serving_default", "metadata"}
