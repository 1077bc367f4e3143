"""Client: the verbs of a Python model, done by a server."""

import math
import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from savedmodels.client import arguments
from savedmodels.client.calls import Call, Connection, open_transport
from savedmodels.client.conditions import (
    complete_conditions,
    is_text,
    label_numbers,
    word_numbers,
)
from savedmodels.client.errors import InvalidRequestError
from savedmodels.client.retries import RetryPolicy
from savedmodels.client.tensor_specs import VersionStatus
from savedmodels.client.transport import ModelSpec
from savedmodels.tensor_spec import TensorSpec

_METHODS = ("linear", "spherical")
"""Ways of an interpolation."""


class Classification(NamedTuple):
    """The labels of images.

    `probabilities` are float32 (n, num_classes), rows that sum to 1; `label` is the
    likeliest, int32 (n,).
    """

    probabilities: np.ndarray
    label: np.ndarray


class Client:
    """A served model, with the verbs of the Python model and NumPy arrays.

    Arguments mean what they mean there: conditions are passed by name, one for all
    images or one for each, labels also by their names; one seed for a call gives image
    i the same noise as `model.sample` does. (That loads TensorFlow, and so does gRPC.
    Over REST a seed for each image, or none, needs no TensorFlow.)

    Large calls are cut into several requests. Where no version is named, these may be
    answered by two if a new one appears meanwhile.

    Several threads may use one client at once. A process made by `os.fork` needs one
    of its own.

    Args:
        address: "http://host:8501" (or https) for REST, "grpc://host:8500" for gRPC.
        model: name of the model. Default "pixelcnn".
        version: number of the version. Default: the newest.
        version_label: label of the version, as "stable". Default: none.
        timeout: seconds for a whole call, over all its requests and retries. Default
            60.
        retries: how often a request is sent again to a server that is unavailable,
            with growing delays; or a `RetryPolicy`. Default 5.
        max_rows: most images of a request; results do not depend on it. A model that
            was published for smaller batches is asked for as many as these hold.
            Default 64.

    Raises:
        ValueError: when an argument is not as said.
        ModuleNotFoundError: when the libraries for the protocol are missing.

    All verbs raise:
        InvalidRequestError: a ValueError; the request is not as the model takes it.
        NotFoundError: a LookupError; no such model, version or signature.
        DeadlineExceededError: a TimeoutError; the time is over.
        UnavailableError: a ConnectionError; no server there, after all retries.
        ServerError: a RuntimeError; the server failed, or is of another kind.

    Example:
        >>> with Client("http://127.0.0.1:8501", model="digits") as client:
        ...     images = client.sample(16, seed=1, label=3)
    """

    def __init__(
        self,
        address: str,
        model: str = "pixelcnn",
        version: int | None = None,
        version_label: str | None = None,
        timeout: float = 60.0,
        retries: int | RetryPolicy = 5,
        max_rows: int = 64,
    ) -> None:
        _check_options(model, version, version_label, timeout, max_rows)
        policy = retries if isinstance(retries, RetryPolicy) else RetryPolicy(retries)
        transport = open_transport(address, ModelSpec(model, version, version_label))
        self._connection = Connection(transport, policy, timeout, max_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._connection.transport.close()

    # What there is.

    def metadata(self) -> dict[str, Any]:
        """Says what the model is: "image_shape", "num_levels", "conditions", ..."""
        return self._connection.ask_for_document()

    def status(self) -> list[VersionStatus]:
        """Asks for the versions that the server knows of, and their states."""
        return self._connection.status()

    # Drawing.

    def sample(
        self,
        num_samples: int | None = None,
        seed: Any = None,
        temperature: Any = 1.0,
        **conditions: Any,
    ) -> np.ndarray:
        """Samples images.

        Args:
            num_samples: number of images n. Default: as many as there are conditions
                or seeds, else 1.
            seed: one integer for the call, or one for each image, (n,), any int64.
                Default: drawn from Python's `random`.
            temperature: divides the logits; a number above 0, or one for each image.
            **conditions: `label`, `embedding`, `spatial`, `caption`, as the model takes
                them; see the class.

        Returns:
            Integers in [0, num_levels), (n, height, width, channels), uint8 where they
            fit, else int32.
        """
        own = {"temperature": temperature}
        return self._draw("sample", num_samples, seed, own, conditions)["image"]

    def sample_png(
        self,
        num_samples: int | None = None,
        seed: Any = None,
        temperature: Any = 1.0,
        **conditions: Any,
    ) -> list[bytes]:
        """Samples PNG files, as `sample` does; for models of 1, 3 or 4 channels."""
        own = {"temperature": temperature}
        drawn = self._draw("sample_png", num_samples, seed, own, conditions)
        return drawn["image_bytes"].tolist()

    def sample_from_noise(
        self, noise: Any, temperature: Any = 1.0, **conditions: Any
    ) -> np.ndarray:
        """Samples images with noise of one's own.

        Args:
            noise: floats in [0, 1), (n, height, width, channels): each value is the
                level at which the cumulative distribution exceeds its number.
            temperature: as for `sample`.
            **conditions: as for `sample`.

        Returns:
            Images like those of `sample`.
        """
        call = self._connection.begin("sample_from_noise")
        own = {"noise": noise, "temperature": temperature}
        return call.run(*self._prepare(call, own, conditions, batch="noise"))["image"]

    def complete(
        self,
        image: Any,
        mask: Any,
        seed: Any = None,
        temperature: Any = 1.0,
        **conditions: Any,
    ) -> np.ndarray:
        """Samples the unknown values of images and keeps the known ones.

        Args:
            image: integers in [0, num_levels), (n, height, width, channels); anything
                where the mask is False.
            mask: True (or 1) where the image is known: (height, width) for all images,
                or (n, height, width) for each.
            seed: as for `sample`; image i gets the noise that `sample` gives it.
            temperature: as for `sample`.
            **conditions: as for `sample`.

        Returns:
            Images like those of `sample`.
        """
        call = self._connection.begin("complete")
        own = {
            "image": arguments.known_levels(image, mask, call.spec.inputs["mask"]),
            "mask": mask,
            "temperature": temperature,
        }
        prepared = self._prepare(call, own, conditions, seed, batch="image")
        return call.run(*prepared)["image"]

    def complete_png(
        self,
        images: bytes | Sequence[bytes],
        masks: bytes | Sequence[bytes],
        seed: Any = None,
        temperature: Any = 1.0,
        **conditions: Any,
    ) -> list[bytes]:
        """Completes images as `complete` does, from PNG files to PNG files.

        Args:
            images: PNG files of the size of the model's images; one for all, or a list
                of one for each.
            masks: PNG files of the same size, white where the image is known, and
                black or transparent where it is not; one for all, or a list of one for
                each. One that keeps all or nothing is warned of.
            seed: as for `sample`.
            temperature: as for `sample`.
            **conditions: as for `sample`.

        Returns:
            A PNG file for each image; as many as the longest list there is of images,
            masks, seeds or conditions.
        """
        own = {
            "image_bytes": images,
            "mask_bytes": masks,
            "temperature": temperature,
        }
        drawn = self._draw("complete_png", None, seed, own, conditions)
        # Exports of earlier versions do not tell.
        for share, which in ((0, "nothing: all of it"), (1, "all: nothing")):
            rows = np.flatnonzero(drawn.get("known_share", ()) == np.float32(share))
            if rows.size:
                warnings.warn(
                    f"The masks of the images {rows.tolist()} keep {which} is drawn. "
                    "A mask is white where the image is known.",
                    stacklevel=2,
                )
        return drawn["image_bytes"].tolist()

    def interpolate(
        self,
        embedding_a: Any,
        embedding_b: Any,
        steps: int = 8,
        seed: Any = None,
        method: str = "linear",
        temperature: Any = 1.0,
        **conditions: Any,
    ) -> np.ndarray:
        """Samples images on the way from one embedding to another.

        All images of a row have the same noise, so that only the embedding differs.

        Args:
            embedding_a: floats (d,), or (rows, d) for several rows.
            embedding_b: the same.
            steps: images of a row, both ends included; at least 2. Default 8.
            seed: one integer for the call, or one for each row. Default: at random.
            method: "linear", or "spherical" for embeddings whose direction counts.
            temperature: as for `sample`; one for all, or one for each row.
            **conditions: the model's others; one for all, or one for each row.

        Returns:
            Images like those of `sample`, (steps, height, width, channels), or (rows,
            steps, height, width, channels) for several rows.

        Raises:
            InvalidRequestError: also of auto-encoders, which take images: `predict`
                asks those.
        """
        call = self._connection.begin("interpolate")
        if not isinstance(steps, numbers.Integral) or steps < 2:
            raise InvalidRequestError(
                "steps must be an integer of at least 2, both ends included. "
                f"Received: steps={steps!r}"
            )
        if method not in _METHODS:
            raise InvalidRequestError(
                f"method must be one of {_METHODS}. Received: {method!r}"
            )
        a, b = _ends_of_rows(embedding_a, embedding_b, call.spec.inputs)
        own = {
            "embedding_a": np.atleast_2d(a),
            "embedding_b": np.atleast_2d(b),
            "position": 0.0,
            "spherical": method == "spherical",
            "temperature": temperature,
        }
        inputs, rows = self._prepare(call, own, conditions, seed, batch="embedding_a")
        inputs = {name: np.repeat(rows_, steps, 0) for name, rows_ in inputs.items()}
        way = np.linspace(0, 1, steps, dtype=np.float32)
        inputs["position"] = np.tile(way, rows)
        images = call.run(inputs, rows * steps)["image"]
        return images.reshape(*a.shape[:-1], steps, *images.shape[1:])

    # Scoring.

    def log_prob(
        self, image: Any, reduce: bool = True, **conditions: Any
    ) -> np.ndarray:
        """Computes the exact log probability of each image, given its conditions.

        Args:
            image: integers in [0, num_levels), (n, height, width, channels).
            reduce: whether the values of an image are summed; else each value has the
                log probability that it has given those before it. Default True.
            **conditions: as for `sample`.

        Returns:
            float32 (n,), or (n, height, width, channels) where `reduce` is False, in
            nats.
        """
        name = "log_prob" if reduce else "log_prob_per_value"
        return self._score(image, conditions, name)[name]

    def bits_per_dim(self, image: Any, **conditions: Any) -> np.ndarray:
        """Computes `log_prob` in bits for each value of the image: float32 (n,)."""
        return self._score(image, conditions)["bits_per_dim"]

    def classify(self, image: Any, **conditions: Any) -> Classification:
        """Computes the probability of each label, by Bayes, from a uniform prior.

        Args:
            image: integers in [0, num_levels), (n, height, width, channels).
            **conditions: the model's others than the label.
        """
        found = self._score(image, conditions, "classify")
        return Classification(found["probabilities"], found["label"])

    # Anything.

    def predict(self, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
        """Runs any signature of the model.

        Args:
            signature: its name.
            **inputs: all that it takes, one for all rows or one for each.

        Returns:
            All that it gives, by name; strings as arrays of bytes.
        """
        call = self._connection.begin(signature)
        missing = [name for name in call.spec.inputs if name not in inputs]
        if missing:
            raise InvalidRequestError(
                f"The signature {signature!r} takes {sorted(call.spec.inputs)}. "
                f"Missing: {missing}"
            )
        prepared = arguments.prepare_inputs(signature, call.spec.inputs, inputs)
        return call.run(*prepared)

    def _score(
        self, image: Any, conditions: Mapping[str, Any], signature: str = "log_prob"
    ) -> dict[str, Any]:
        call = self._connection.begin(signature)
        own = {"image": arguments.as_levels(image)}
        return call.run(*self._prepare(call, own, conditions, batch="image"))

    def _draw(
        self,
        signature: str,
        count: int | None,
        seed: Any,
        own: Mapping[str, Any],
        conditions: Mapping[str, Any],
    ) -> dict[str, np.ndarray]:
        is_count = isinstance(count, numbers.Integral) and count >= 0
        if count is not None and not is_count:
            raise InvalidRequestError(
                "num_samples must be an integer of at least 0. "
                f"Received: num_samples={count!r}"
            )
        call = self._connection.begin(signature)
        return call.run(*self._prepare(call, own, conditions, seed, count))

    def _prepare(
        self,
        call: Call,
        own: Mapping[str, Any],
        conditions: Mapping[str, Any],
        seed: Any = None,
        count: int | None = None,
        batch: str | None = None,
    ) -> tuple[dict[str, np.ndarray], int]:
        """Makes the inputs of a call, and counts their rows."""

        def can_do_without() -> bool:
            return self._connection.document(call.deadline)["conditions_optional"]

        for name, as_numbers in (("caption", word_numbers), ("label", label_numbers)):
            given = conditions.get(name)
            if name in call.spec.inputs and is_text(given):
                document = self._connection.ask_for_document(call.deadline)
                conditions = {**conditions, name: as_numbers(given, document)}
        given = complete_conditions(
            conditions,
            call.spec.inputs,
            [*own, "seed"],
            None if call.name in ("classify", "interpolate") else can_do_without,
        )
        return arguments.prepare_inputs(
            call.name, call.spec.inputs, {**own, **given}, seed, count, batch
        )


def _ends_of_rows(
    a: Any, b: Any, inputs: Mapping[str, TensorSpec]
) -> tuple[np.ndarray, np.ndarray]:
    """Makes arrays (d,) or (rows, d) of the embeddings at both ends of each row."""
    if "embedding_a" not in inputs:  # it goes from image to image
        names = ", ".join(f"{name}=..." for name in sorted(inputs))
        raise InvalidRequestError(
            "interpolate must be asked of a model that takes embeddings. This one's "
            f"signature takes others: predict('interpolate', {names}), with a position "
            "from 0 to 1 for each image. "
            f"Received: embedding_a for inputs {sorted(inputs)}"
        )
    spec = inputs["embedding_a"]
    a = arguments.cast("embedding_a", a, spec)
    b = arguments.cast("embedding_b", b, spec)
    if a.shape != b.shape or a.shape[-1:] != spec.example_shape or a.ndim > 2:
        (size,) = spec.example_shape
        raise InvalidRequestError(
            f"The two embeddings must have one shape, ({size},) or (rows, {size}). "
            f"Received: {a.shape} and {b.shape}"
        )
    return a, b


def _check_options(
    model: Any, version: Any, version_label: Any, timeout: Any, max_rows: Any
) -> None:
    """Checks the arguments of a client.

    Raises:
        ValueError: when one cannot be.
    """
    if not isinstance(model, str) or not model:
        raise ValueError(f"model must be the name of a model. Received: {model!r}")
    if version is not None and version_label is not None:
        raise ValueError(
            "A version is named by its number or by its label, not by both. Received: "
            f"version={version!r}, version_label={version_label!r}"
        )
    if version is not None and not _is_count(version, 0):
        raise ValueError(
            f"version must be an integer of at least 0. Received: {version!r}"
        )
    if version_label is not None and (
        not isinstance(version_label, str) or not version_label
    ):
        raise ValueError(
            f'version_label must be a name, as "stable". Received: {version_label!r}'
        )
    is_number = isinstance(timeout, numbers.Real) and math.isfinite(timeout)
    if not is_number or timeout <= 0:
        raise ValueError(
            f"timeout must be a number of seconds above 0. Received: {timeout!r}"
        )
    if not _is_count(max_rows, 1):
        raise ValueError(
            f"max_rows must be an integer of at least 1. Received: {max_rows!r}"
        )


def _is_count(value: Any, least: int) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and value >= least
