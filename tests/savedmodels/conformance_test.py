"""Every signature of models that differ: one answer, however it is asked for.

Python, and the local server over REST and over gRPC.
"""

import numpy as np
import pytest

from savedmodels.client import Client
from savedmodels.server import LocalServer
from tests import served

pytestmark = [pytest.mark.slow, pytest.mark.op_by_op]


KINDS = ("optional", "all_conditions")
CAPTIONS = {"vocabulary": ["a", "red", "square"], "caption_length": 3}
OTHER_TYPES = ("sample_png", "complete_png", "interpolate", "log_prob_per_value")
"""Signatures of what other types than the published model's make another request of."""


@pytest.fixture(scope="module")
def exports(published, tmp_path_factory):
    """Base paths and models, by kind."""
    base = tmp_path_factory.mktemp("served")
    optional = served.make_model("optional", **CAPTIONS)
    names = [*OTHER_TYPES, "sample", "log_prob"]
    optional.export(base / "1", verbose=False, signatures=names)
    model, version = published
    return {"optional": (base, optional), "all_conditions": (version.parent, model)}


@pytest.fixture(scope="module")
def server(exports):
    with LocalServer({kind: base for kind, (base, _) in exports.items()}) as server:
        for kind in exports:
            server.wait_until_available(kind)
        yield server


@pytest.fixture(scope="module")
def answers(exports):
    """Requests of every signature and what Python answers, by kind; made once."""
    made = {}

    def answers(kind):
        if kind not in made:
            _, model = exports[kind]
            names = served.signature_names(model)
            made[kind] = [
                (name, inputs, served.answer(model, name, inputs))
                for name in (OTHER_TYPES if kind == "optional" else sorted(names))
                for inputs in [served.request(model, name)]
            ]
        return made[kind]

    return answers


def _check_all(model, requests, given):
    assert len(given) == len(requests) >= 4
    for (signature, _, expected), outputs in zip(requests, given):
        served.check(model, signature, expected, outputs)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_server_answers_as_python_does(exports, server, answers, kind, protocol):
    address = {"rest": server.rest_url, "grpc": f"grpc://{server.grpc_address}"}
    requests = answers(kind)
    with Client(address[protocol], kind) as client:
        given = [client.predict(name, **inputs) for name, inputs, _ in requests]
    _check_all(exports[kind][1], requests, given)


def test_the_client_takes_sentences(exports, server):
    _, model = exports["optional"]
    images = served.request(model, "log_prob", rows=2)["image"]
    given = {
        "embedding": np.zeros(2, "f4"),
        "spatial": np.zeros((2, 1, 3), "f4"),
        "caption": ["A red square.", "red"],
    }
    with Client(server.rest_url, "optional") as client:
        np.testing.assert_allclose(
            client.log_prob(images, **given), model.log_prob(images, **given), rtol=1e-4
        )
        drawn = client.sample(seed=3, **given)
        np.testing.assert_array_equal(drawn, model.sample(seed=3, **given))
        one = client.sample(3, seed=3, **{**given, "caption": "red"})
        np.testing.assert_array_equal(one[1], drawn[1])
        with pytest.raises(ValueError, match="caption must hold"):
            client.sample(seed=3, **{**given, "caption": "a blue square"})
