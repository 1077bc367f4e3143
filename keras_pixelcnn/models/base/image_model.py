"""ImageModel: a Keras model of images, trained on a loss of its own."""

import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.image_checks import check_images
from keras_pixelcnn.models.base import distributed_fit
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.features import at_least_one
from keras_pixelcnn.models.base.served_model import ServedModel


class ImageLosses(NamedTuple):
    """What a batch of images costs, each image by itself.

    Attributes:
        loss: what a training step lowers, float32 (batch,).
        measured: what the model's metric takes in, float32 (batch,).
    """

    loss: tf.Tensor
    measured: tf.Tensor


class ImageModel(ServedModel):
    """Images of integer levels in; a subclass says what comes out, and what it costs.

    Args:
        inputs: dict of Keras inputs by name, of which "image" is one.
        outputs: whatever `image_losses` takes.
        image_shape: (height, width, channels).
        num_levels: pixel values are integers in [0, num_levels).
        metric: a `keras.metrics.Mean` of what `image_losses` measures, as `fit` and
            `evaluate` show it.
        conditions: which conditions the model takes. Default: none.
        dtype: dtype policy of the layers. Default: Keras's global policy.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images (batch, height, width, channels) of integers in
            [0, num_levels), or a dict with them as "image" and the conditions by their
            names. Other entries of the dict are left aside.
        training: whether dropout is on.
    """

    def __init__(
        self,
        *,
        inputs: dict[str, Any],
        outputs: Any,
        image_shape: tuple[int, int, int],
        num_levels: int,
        metric: keras.metrics.Metric,
        conditions: Conditions | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        # Keras drops the policy of models that are wired from inputs to outputs.
        self.dtype_policy = keras.dtype_policies.get(dtype)
        self.image_shape = image_shape
        self.num_levels = num_levels
        self.conditions = Conditions() if conditions is None else conditions
        self._image_metric = metric

    def image_losses(self, outputs: Any, image: tf.Tensor) -> ImageLosses:
        """What each image of a batch costs. A subclass overrides it.

        Args:
            outputs: of the model's call.
            image: (batch, height, width, channels), levels as they were given.
        """
        raise NotImplementedError

    @property
    def num_dims(self) -> int:
        """Number of dimensions of an image: height x width x channels."""
        return math.prod(self.image_shape)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs the whole pass; see the class."""
        return super().__call__(self._select_features(inputs), *args, **kwargs)

    def _select_features(self, inputs: Any) -> dict[str, Any]:
        features = self._as_dict(inputs)
        image = features["image"]
        conditions = {}
        if self.conditions.names:
            conditions = self.conditions.select(features, _batch_size(image))
        inputs = {"image": image, **conditions}
        # Keras refuses mixtures of arrays and tensors.
        return {name: _as_tensor(value) for name, value in inputs.items()}

    def _as_dict(self, inputs: Any) -> dict[str, Any]:
        if isinstance(inputs, list | tuple):
            raise ValueError(
                'The model takes images, or a dict with them as "image". '
                f"Received: a {type(inputs).__name__} of {len(inputs)} entries."
            )
        if not isinstance(inputs, Mapping):
            inputs = {"image": inputs}
        if "image" not in inputs:
            raise ValueError(
                'The model takes images, or a dict with them as "image". '
                f"Received: a dict of {list(inputs)}"
            )
        if self.image_shape[-1] > 1:
            return dict(inputs)
        return {**inputs, "image": self._with_channel(inputs["image"])}

    def _with_channel(self, image: Any) -> Any:
        """Gives grey images their channel axis where data sets leave it out."""
        rank = tf.TensorShape(image.shape).rank
        if rank is None:  # Keras retraces a step that saw both ranks without any
            return tf.reshape(image, [-1, *self.image_shape])
        return keras.ops.expand_dims(image, -1) if rank == 3 else image

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Callbacks that monitor the model's metric, as "val_bits_per_dim", need
        mode="min": Keras knows which way is better for its own metrics only.

        Args:
            x: images, a dict with them as "image" and the conditions by their names
                (other entries are left aside), or a `tf.data.Dataset`, generator or
                `keras.utils.PyDataset` of batches of either or of (image, label) pairs.
            y: labels, the same as a "label" in the dict. Models that take no label
                leave them aside.
            batch_size: images in a batch, for arrays. Default 32.
            epochs: number of passes over the data. Default 1.
            **kwargs: as for `keras.Model.fit`, except weights of examples or classes.

        Returns:
            A history of "loss" and of the model's metric: "bits_per_dim", where the
            loss is bits per dimension too, unless the model says otherwise.

        Raises:
            ValueError: before training, when arrays hold anything but integers in
                [0, num_levels), or conditions that the model does not take; the error
                names the value.
            tf.errors.InvalidArgumentError: when a `tf.data.Dataset` holds such
                conditions; the sentence is the same.
        """
        distributed_fit.check_fit(self)
        _refuse_weights(kwargs.get("sample_weight"), kwargs.get("class_weight"))
        if isinstance(x, tf.data.Dataset) or inspect.isgenerator(x):
            # Keras would warn that its own default does not apply.
            kwargs.setdefault("shuffle", False)
        validation_data = kwargs.get("validation_data")
        if isinstance(validation_data, tuple | list):
            _refuse_weights(*validation_data[2:])
            validation_data = self._checked(*validation_data[:2])
        elif validation_data is not None:
            validation_data = self._checked(validation_data)
        kwargs["validation_data"] = validation_data
        return super().fit(self._checked(x, y), None, batch_size, epochs, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Scores as `keras.Model.evaluate` does, exactly over all images.

        Takes what `fit` takes, and raises as it does.
        """
        distributed_fit.check_fit(self)
        _refuse_weights(kwargs.get("sample_weight"))
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` has checked it
            x = self._checked(x, y)
        return super().evaluate(x, None, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        """The model's outputs as `keras.Model.predict` gives them.

        Takes what `evaluate` takes.
        """
        return super().predict(self._checked(x), *args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of `fit`, with the label among the inputs (a hook of Keras)."""
        inputs = self._as_inputs(data)
        if distributed_fit.is_on_replicas():
            return distributed_fit.train_step(self, *inputs)
        return super().train_step(inputs)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate`, with the label among the inputs (a hook of Keras)."""
        inputs = self._as_inputs(data)
        if distributed_fit.is_on_replicas():
            return distributed_fit.test_step(self, *inputs)
        return super().test_step(inputs)

    def predict_step(self, data: Any) -> tf.Tensor:
        """One step of `predict`, with the label among the inputs (a hook of Keras)."""
        return super().predict_step(self._as_inputs(data))

    def _as_inputs(self, data: Any) -> tuple[dict[str, Any]]:
        """A batch of any kind of data; its images are looked at by the loss alone."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        _refuse_weights(sample_weight)
        return (self._checked_features(self._with_label(x, y)),)

    def _with_label(self, x: Any, y: Any) -> Any:
        """Puts labels that stand beside the images among the inputs."""
        if y is None or "label" not in self.conditions.shapes:
            return x
        shape = y.shape if tf.is_tensor(y) else np.shape(y)
        if tf.TensorShape(shape).rank == 2 and shape[1] == 1:
            y = y[:, 0]  # a column, as many data sets have it
        if not isinstance(x, Mapping):
            return {"image": x, "label": y}
        return x if "label" in x else {**x, "label": y}

    def _checked(self, x: Any, y: Any = None) -> Any:
        """Arrays are checked; data sets become what Keras's steps can take."""
        if isinstance(x, tf.data.Dataset):
            # Only what the model takes: XLA cannot compile steps that get strings.
            convert = tf.autograph.experimental.do_not_convert
            return x.map(convert(lambda *batch: self._as_inputs(batch)))
        if inspect.isgenerator(x):
            return (self._as_inputs(batch) for batch in x)
        x = self._with_label(x, y)
        image = x.get("image") if isinstance(x, Mapping) else x
        if not hasattr(image, "__array__"):
            return x
        self._check_images(image)
        return {**self._checked_features(x), "image": image}

    def _checked_features(self, x: Any) -> dict[str, Any]:
        features = self._as_dict(x)
        image = features["image"]
        if not self.conditions.names:
            return {"image": image}
        names = self.conditions.tensor_specs(with_presence=True)
        given = {name: features.get(name) for name in names}
        return {"image": image, **self.conditions.prepare(given, _batch_size(image))}

    def _check_images(self, image: Any) -> np.ndarray:
        return check_images(image, self.num_levels, image_shape=self.image_shape)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The mean loss of a batch (a hook of Keras's training)."""
        _refuse_weights(sample_weight)
        losses = self.image_losses(y_pred, self._select_features(x)["image"])
        self._image_metric.update_state(losses.measured)
        # Replicas add their gradients up: each counts for its share of the batch.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.add_n([tf.reduce_mean(losses.loss), *self.losses]) / replicas

    def prepare_features(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """What the model takes of a batch, checked: for loops other than `fit`.

        Args:
            batch: "image" and the conditions by their names; others are left aside.

        Returns:
            The features that `features_losses` takes.

        Raises:
            ValueError: when a condition is missing or not as the model takes it. In
                graphs running them raises `InvalidArgumentError`.
        """
        return self._checked_features(batch)

    def features_losses(
        self, features: Mapping[str, Any], training: bool = False
    ) -> ImageLosses:
        """What each image of a batch costs, in one pass: for loops other than `fit`.

        Args:
            features: as `prepare_features` gives them; an empty batch too.
            training: whether dropout is on. Default False.

        Returns:
            The losses, with gradients.
        """
        size = _batch_size(features["image"])
        features = {name: at_least_one(value) for name, value in features.items()}
        outputs = self(features, training=training)
        image = self._select_features(features)["image"]
        losses = self.image_losses(outputs, image)
        return ImageLosses(*(each[:size] for each in losses))

    def update_metrics(self, losses: ImageLosses) -> None:
        """Takes a batch's losses into what `fit` and `evaluate` show."""
        self._image_metric.update_state(losses.measured)
        self._loss_tracker.update_state(losses.loss)


def _batch_size(image: Any) -> Any:
    """Number of images, as far as it is known."""
    if image.shape is not None and tf.TensorShape(image.shape).rank is None:
        return tf.shape(image)[0]
    return keras.ops.shape(image)[0]


def _as_tensor(value: Any) -> Any:
    is_symbolic = isinstance(value, keras.KerasTensor)
    return value if is_symbolic else keras.ops.convert_to_tensor(value)


def _refuse_weights(*weights: Any) -> None:
    if any(weight is not None for weight in weights):
        raise ValueError(
            "sample_weight and class_weight are not supported: all images count alike. "
            "Repeat or leave out images in the data."
        )
