"""ImageModel: a Keras model of images, trained on a loss of its own."""

import functools
import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import check_images, check_shape, checked_images
from keras_pixelcnn.metrics import prepare_callbacks
from keras_pixelcnn.models.base import fit_step, input_data, keras_habits
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.samplers import at_least_one


class ImageLosses(NamedTuple):
    """The losses of a batch of images, one for each.

    Attributes:
        loss: what a training step lowers, float32 (batch,).
        measured: what the model's metric shows the mean of, float32 (batch,).
    """

    loss: tf.Tensor
    measured: tf.Tensor


class ImageModel(keras.Model):
    """A model that takes images of integer levels, and brings its loss along.

    A subclass wires a functional graph from its named inputs, of which "image" is
    always one, passes it on, and overrides `losses_per_image`. It says in words what it
    trains on, as `own_loss`.

    Args:
        inputs: dict of Keras inputs by name, of which "image" is one.
        outputs: whatever `losses_per_image` takes.
        image_shape: (height, width, channels).
        num_levels: pixel values are integers in [0, num_levels).
        metric_name: what `fit` and `evaluate` call the mean of what is measured.
            Default: they show the loss alone.
        conditions: which conditions the model takes. Default: none.
        dtype: dtype policy of the layers. Default: Keras's global policy.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images (batch, height, width, channels) of integers in
            [0, num_levels), or a dict with them as "image" and the conditions by their
            names. Other entries of the dict are left aside.
        training: whether dropout is on.
    """

    own_loss: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        init = vars(cls).get("__init__")
        if init is None:
            return

        @functools.wraps(init)
        def constructor(self: ImageModel, *args: Any, **kwargs: Any) -> None:
            # Of a clone `__new__` has made all.
            if keras_habits.Clone not in map(type, args):
                init(self, *args, **kwargs)

        # Keras asks in two ways for the signature, and is to find the same in both.
        del constructor.__wrapped__
        cls.__init__ = constructor  # type: ignore[method-assign]
        cls.__signature__ = inspect.signature(functools.partial(init, None))

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Makes a model, or a clone of one (a hook of Keras's)."""
        if keras_habits.Clone in map(type, args):
            return cls.from_config(args[1].model.get_config())
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        *,
        inputs: dict[str, Any],
        outputs: Any,
        image_shape: tuple[int, int, int],
        num_levels: int,
        metric_name: str | None = None,
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
        self._metric = keras.metrics.Mean(name=metric_name) if metric_name else None

    def losses_per_image(
        self, outputs: Any, features: Mapping[str, tf.Tensor]
    ) -> ImageLosses:
        """Computes the loss of each image of a batch. A subclass overrides it.

        Args:
            outputs: of the model's call.
            features: as `prepare_features` gives them.

        Returns:
            The losses, with gradients.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments that all models share.

        And which layers and weights are frozen, and how labels are called, where
        somebody said so: `from_config` takes that away.
        """
        trainable = keras_habits.trainable_by_layer(self)
        return {
            **({"trainable_by_layer": trainable} if trainable else {}),
            **({"label_names": [*self.label_names]} if self.label_names else {}),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "image_shape": self.image_shape,
            "num_levels": self.num_levels,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes the model that `get_config` tells of, with weights of its own."""
        config = dict(config)
        trainable = config.pop("trainable_by_layer", {})
        label_names = config.pop("label_names", None)
        model = super().from_config(config, custom_objects)
        model.label_names = label_names
        keras_habits.set_trainable_by_layer(model, trainable)
        return model

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """The names of the labels; None where none were given.

        May be set, to as many different strings as there are classes. They can then be
        given in place of numbers, `label="sneaker"`, and are saved and exported.
        """
        return self.conditions.label_names

    @label_names.setter
    def label_names(self, label_names: Sequence[str] | None) -> None:
        names = self.conditions.check_label_names(label_names)
        self.conditions.label_names = names

    @property
    def num_dims(self) -> int:
        """Number of dimensions of an image: height x width x channels."""
        return math.prod(self.image_shape)

    # From what a user has to features.

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs the whole pass; see the class."""
        if isinstance(inputs, list | tuple):
            raise ValueError(
                'The model takes images, or a dict with them as "image". '
                f"Received: a {type(inputs).__name__} of {len(inputs)} entries."
            )
        given = input_data.as_dict(inputs)
        features = {"image": self._as_images(given["image"])}
        if len(self.input) > 1:
            count = input_data.num_images(features["image"])
            features |= self.conditions.select(given, count)
        for name, value in features.items():
            if not isinstance(value, keras.KerasTensor):
                # Keras refuses mixtures of arrays and tensors.
                features[name] = keras.ops.convert_to_tensor(value)
        return super().__call__(features, *args, **kwargs)

    def prepare_features(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Checks a batch and returns what the model takes of it.

        For loops other than `fit`, which does this itself.

        Args:
            batch: "image" and the conditions by their names; others are left aside.

        Returns:
            The features that the model and `losses_per_image` take.

        Raises:
            ValueError: when images or a condition are missing or not as the model takes
                them. In graphs running them raises `InvalidArgumentError`.
        """
        image = self._as_images(batch["image"])
        if tf.is_tensor(image) and not hasattr(image, "numpy"):
            check_shape(tuple(image.shape), image_shape=self.image_shape)
            image = checked_images(image, self.num_levels)
        else:
            image = self._check_images(image)
        if not self.conditions.shapes:
            return {"image": image}
        given = {name: batch.get(name) for name in self.conditions.known_names}
        count = input_data.num_images(image)
        return {"image": image, **self.conditions.prepare(given, count)}

    def _prepare(self, x: Any, y: Any = None) -> dict[str, Any]:
        """Checks images, or a dict with them, and what stands beside them."""
        if "label" in self.conditions.shapes:
            x = input_data.with_label(x, y)
        return self.prepare_features(input_data.as_dict(x))

    def _prepare_inputs(self, x: Any, y: Any = None) -> dict[str, Any]:
        """Checks what `predict` takes: what `fit` takes, without the loss's needs."""
        return self._prepare(x, y)

    def _features_of(self, data: Any) -> dict[str, Any]:
        """Returns the features of a batch of Keras's.

        `fit` has prepared those of the sources that it knows. Of others, as a strategy
        that deals them out, they come as they are.
        """
        return self._prepare(*input_data.split(data))

    def _as_images(self, image: Any) -> Any:
        """Gives grey images their channel axis where data sets leave it out."""
        return input_data.with_all_axes(image, self.image_shape, self.num_levels)

    def check_image_batch(self, image: Any) -> Any:
        """Checks the shape of images for a verb, and in eager mode their values.

        Args:
            image: (batch, height, width, channels), or without the last axis where
                the images are grey.

        Returns:
            Images with all axes: an array in eager mode, else a tensor.

        Raises:
            ValueError: when they are not as the model takes them; in graphs of images
                of an unknown shape running them raises `InvalidArgumentError`.
        """
        image = self._as_images(image)
        if tf.executing_eagerly():
            return self._check_images(image)
        image = tf.convert_to_tensor(image)
        check_shape(tuple(image.shape), image_shape=self.image_shape)
        return image

    def _check_images(self, image: Any) -> np.ndarray:
        return check_images(image, self.num_levels, image_shape=self.image_shape)

    # Training, as Keras does it.

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        """Configures training; the loss is the model's own.

        Args:
            optimizer: as for `keras.Model.compile`. Default "adam".
            **kwargs: as for `keras.Model.compile`, except loss and metrics.

        Raises:
            ValueError: when a loss or metrics are passed, or, under a strategy of
                several devices, what does not work there.
        """
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"{name} must be left out: the model trains on {self.own_loss}. "
                    f"Received: {name}={kwargs[name]!r}"
                )
        fit_step.check_compile(self, {"optimizer": optimizer, **kwargs})
        super().compile(optimizer=optimizer, **kwargs)
        self._scales_loss = kwargs.get("auto_scale_loss", True)

    def get_compile_config(self) -> dict[str, Any]:
        """Returns how the model was compiled (a hook of Keras's saving).

        With what Keras leaves out, and needs to read the optimizer's variables again.
        """
        if not self.compiled:
            return {}
        return {
            **super().get_compile_config(),
            "auto_scale_loss": self._scales_loss,
            "is_optimizer_built": self.optimizer.built,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was (a hook of Keras's loading)."""
        config = dict(keras.saving.deserialize_keras_object(config))
        is_optimizer_built = config.pop("is_optimizer_built", True)
        self.compile(**config)
        if is_optimizer_built:
            self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        """Builds the optimizer: all other variables are there (a hook of Keras).

        On several devices Keras would look at the mean of their parts of a batch, which
        fails where those differ in size.
        """
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Callbacks that monitor the model's metric, as "val_bits_per_dim", know that
        less is better. The progress bar shows a number once that is loss and metric.

        Args:
            x: images, a dict with them as "image" and the conditions by their names
                (other entries are left aside), or a `tf.data.Dataset`, generator or
                `keras.utils.PyDataset` of batches of either or of (image, label) pairs.
            y: labels, the same as a "label" in the dict. Models that take no label
                leave them aside.
            batch_size: images in a batch, for arrays. Default 32.
            epochs: number of passes over the data. Default 1.
            **kwargs: as for `keras.Model.fit`, except weights of examples or classes.
                `validation_data` is what x is, or an (x, y) pair; of a generator
                without `validation_steps` all batches are kept in memory.

        Returns:
            A history of "loss" and of the model's metric: "bits_per_dim", where the
            loss is bits per dimension too, unless the model says otherwise.

        Raises:
            ValueError: before training, when arrays hold anything but integers in
                [0, num_levels), or conditions that the model does not take; the error
                names the value. Of generators at the batch.
            tf.errors.InvalidArgumentError: when a `tf.data.Dataset` holds such
                images or conditions; the sentence is the same.
        """
        fit_step.check_fit(self)
        weights = map(kwargs.get, ("sample_weight", "class_weight"))
        input_data.refuse_weights(*weights)
        if isinstance(x, tf.data.Dataset | Iterator):
            # Keras would warn that its own default does not apply.
            kwargs.setdefault("shuffle", False)
        if kwargs.get("validation_data") is not None:
            validation = kwargs["validation_data"]
            if input_data.are_single_images(validation, self.image_shape):
                validation = (validation,)
            kwargs["validation_data"] = self._finite(
                *input_data.split(validation), kwargs.get("validation_steps")
            )
        kwargs["callbacks"] = prepare_callbacks(
            kwargs.get("callbacks"), self._metric, kwargs.get("verbose", "auto")
        )
        x = input_data.prepared(x, y, self._prepare)
        return super().fit(x, None, batch_size, epochs, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Scores as `keras.Model.evaluate` does, exactly over all images.

        Takes what `fit` takes, and raises as it does. All batches of a generator are
        kept in memory, unless `steps` says how many to take.
        """
        fit_step.check_fit(self)
        # Keras takes them by place, too.
        names = "batch_size verbose sample_weight steps callbacks return_dict".split()
        kwargs |= dict(zip(names, args, strict=False))
        input_data.refuse_weights(kwargs.get("sample_weight"))
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` has prepared it
            x = self._finite(x, y, kwargs.get("steps"))
            kwargs["callbacks"] = prepare_callbacks(
                kwargs.get("callbacks"), self._metric, kwargs.get("verbose", "auto")
            )
        return super().evaluate(x, None, **kwargs)

    def _finite(self, x: Any, y: Any, steps: int | None) -> Any:
        return input_data.prepared(x, y, self._prepare, holds_generators=steps is None)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        """Returns the model's outputs as `keras.Model.predict` gives them.

        Takes what `evaluate` takes.
        """
        x = input_data.prepared(x, None, self._prepare_inputs)
        return super().predict(x, *args, **kwargs)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Takes one step of `fit`, on one batch of what that takes."""
        input_data.refuse_weights(sample_weight, class_weight)
        return super().train_on_batch(self._prepare(x, y), return_dict=return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Takes one step of `evaluate`, on one batch of what that takes."""
        input_data.refuse_weights(sample_weight)
        return super().test_on_batch(self._prepare(x, y), return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the model's outputs for one batch of what `predict` takes."""
        return super().predict_on_batch(self._prepare_inputs(x))

    def train_step(self, data: Any) -> dict[str, Any]:
        """Takes one step of `fit`, on each replica (a hook of Keras)."""
        features = self._features_of(data)
        variables = self.trainable_variables

        def scaled_loss() -> tuple[tf.Tensor, None]:
            loss = self._step_loss(features, training=True)
            return self.optimizer.scale_loss(loss), None

        gradients, _ = fit_step.gradients_of(scaled_loss, variables)
        if variables:
            fit_step.apply_gradients(self.optimizer, gradients, variables)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, Any]:
        """Takes one step of `evaluate`, on each replica (a hook of Keras)."""
        self._step_loss(self._features_of(data), training=False)
        return self.get_metrics_result()

    def predict_step(self, data: Any) -> Any:
        """Takes one step of `predict` (a hook of Keras)."""
        x, _ = input_data.split(data)
        return self(input_data.some_images(x), training=False)

    def _step_loss(self, features: dict[str, Any], training: bool) -> tf.Tensor:
        weight = None
        if fit_step.is_on_replicas():  # some of which may have no images
            count = tf.shape(features["image"])[0]
            features = {name: at_least_one(value) for name, value in features.items()}
            weight = tf.sequence_mask(count, tf.shape(features["image"])[0], tf.float32)
        outputs = self(input_data.some_images(features), training=training)
        loss = self.compute_loss(features, None, outputs, weight, training)
        # The loss is a share of the mean over all replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        count = fit_step.global_count(features["image"], weight) / replicas
        self._loss_tracker.update_state(loss * replicas, count)
        return loss

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Computes the mean loss of a batch (a hook of Keras's training).

        Args:
            x: images, or the features of a batch.
            y: left aside: what the loss needs is among the features.
            y_pred: the model's outputs.
            sample_weight: 1 for images, 0 for what fills up a batch, float32 (batch,).
                Default: all count.
            training: left aside.

        Returns:
            float32 scalar; on several replicas each one's share of the mean over all.
        """
        features = dict(input_data.as_dict(x))
        features["image"] = self._as_images(features["image"])
        losses = self.losses_per_image(y_pred, features)
        if self._metric is not None:
            self._metric.update_state(losses.measured, sample_weight)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        others = [each / replicas for each in self.losses]
        return tf.add_n([fit_step.global_mean(losses.loss, sample_weight), *others])

    # What Keras would do, and no one could use.

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Saves finite weights as `keras.Model.save` does, to a `.keras` file alone."""
        keras_habits.check_saving(self, filepath)
        super().save(filepath, *args, **kwargs)

    def quantize(self, mode: Any = None, *args: Any, **kwargs: Any) -> None:
        """Refuses: the layers have no quantised form."""
        keras_habits.refuse_quantisation(self, mode)

    def _run_through_graph(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Lets Keras's clones be of the model's class (a hook)."""
        operation = args[0] if args else kwargs.get("operation_fn")
        if getattr(operation, "__module__", "").endswith(".models.cloning"):
            return keras_habits.prepare_clone(self, inputs, *args, **kwargs)
        return super()._run_through_graph(inputs, *args, **kwargs)

    # Graphs of verbs.

    @functools.cached_property
    def _graphs(self) -> dict[Any, Any]:
        return {}

    def run_graph(
        self,
        key: tuple[Any, ...],
        function: Callable[[dict[str, tf.Tensor]], Any],
        features: Mapping[str, tf.Tensor],
        batch_size: int | None = None,
        jit_compile: bool = False,
    ) -> Any:
        """Runs a function of features as a graph, which is traced once for each key.

        Args:
            key: what tells this graph from others, beside the names of the features.
            function: to trace; the model's weights are read when the graph runs.
            features: tensors that lead with the batch.
            batch_size: what the graph is made for. Default: any.
            jit_compile: whether XLA compiles it. Default False.
        """
        key = (*key, batch_size, jit_compile, *features)
        if key not in self._graphs:
            specs = {
                name: tf.TensorSpec([batch_size, *value.shape[1:]], value.dtype)
                for name, value in features.items()
            }
            self._graphs[key] = tf.function(
                function,
                input_signature=[specs],
                autograph=False,
                jit_compile=jit_compile,
            )
        return self._graphs[key](dict(features))

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool = True,
        *,
        signatures: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        bits_per_dim: float | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        """Writes a SavedModel that TF Serving runs as it is.

        Its graph draws by as many loops side by side as `sample` does here: one for
        each processor (at most 8), one in all where there is a GPU.

        Args:
            filepath: a directory that does not exist, for TF Serving
                `<base>/<version number>`. It appears whole or not at all.
            format: "tf_saved_model", the only one.
            verbose: whether to say what was written. Default True.
            signatures: names of those that it shall have, such as ["sample"]; the first
                is the one of requests that name none. Default: all.
            label_names: what the labels are called, for those who use the export; as
                many as there are classes. Default: the model's own.
            bits_per_dim: of data that it was not trained on, for the same. Default:
                not said.
            max_batch_size: most rows of a request, for the same. Default: not said.

        Raises:
            FileExistsError: when something stands there.
            ValueError: when another format is asked for, the model has no such
                signature, names or numbers cannot be right, or weights are not finite.
        """
        if format != "tf_saved_model":
            raise ValueError(
                f'format must be "tf_saved_model". Received: format={format!r}'
            )
        from keras_pixelcnn.export import export_saved_model

        export_saved_model(
            self,
            filepath,
            verbose=verbose,
            signatures=signatures,
            label_names=label_names,
            bits_per_dim=bits_per_dim,
            max_batch_size=max_batch_size,
        )
