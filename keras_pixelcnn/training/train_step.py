"""TrainStep: one step of training, the same on any number of devices."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn.models.base.fit_step import gradients_of
from keras_pixelcnn.training.objective import LikelihoodObjective, Objective
from keras_pixelcnn.training.recipe import Recipe
from keras_pixelcnn.training.strategies import distribute
from keras_pixelcnn.training.weight_average import WeightAverage

_FIRST_SCALE = 2.0**15
_STEPS_TO_GROW = 2000


class StepResult(NamedTuple):
    """The outcome of one training step.

    Attributes:
        loss: of the batch, before the step, as the objective has it.
        gradient_norm: of the whole batch's gradient, before clipping.
        learning_rate: of this step.
        is_applied: whether the weights were changed: the loss and the gradient were
            finite.
        is_rescaled: whether they were not because the loss scale was too large for
            16 bits, which has been halved.
        stop_asked: whether any worker was asked to stop.
    """

    loss: float
    gradient_norm: float
    learning_rate: float
    is_applied: bool
    is_rescaled: bool
    stop_asked: bool


class TrainStep:
    """Changes a model's weights by one batch at a time.

    The gradient is summed over all devices and parts of the batch, then clipped, then
    applied: it is the step that a single device would take. A loss or gradient that is
    not finite leaves the weights, the optimizer and the average as they were.

    Args:
        model: a `LikelihoodModel`, or what the objective takes, made in the strategy's
            scope.
        recipe: how it is trained.
        strategy: where.
        objective: what is made small. Default: bits per dimension.

    Attributes:
        optimizer: whose `iterations` count the steps applied, and those skipped.
        average: the running average of the weights, None where the recipe has none.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        strategy: tf.distribute.Strategy,
        objective: Objective | None = None,
    ) -> None:
        recipe.check_divisible(strategy.num_replicas_in_sync)
        self._model = model
        self._recipe = recipe
        self._strategy = strategy
        self._objective = objective or LikelihoodObjective()
        self._parts = recipe.gradient_accumulation_steps
        self._weights = model.trainable_variables
        with strategy.scope():
            self.optimizer = recipe.make_optimizer()
            self.optimizer.build(self._weights)
        self.average = None
        if recipe.ema_momentum is not None:
            self.average = WeightAverage(self._weights, recipe.ema_momentum, strategy)
        self._scale = None
        if model.compute_dtype == "float16":
            self._scale = LossScale(strategy)
        scale = [] if self._scale is None else self._scale.variables
        self._moving = [*model.non_trainable_variables, *scale]
        self._before: list[np.ndarray] = []
        self._compiled = tf.function(self._step, autograph=False)

    def state(self) -> dict[str, list[Any]]:
        """Returns all variables that a step changes, besides the model's, by groups."""
        groups = {"optimizer": self.optimizer.variables}
        if self.average is not None:
            groups["average"] = self.average.values
        if self._scale is not None:
            groups["loss_scale"] = self._scale.variables
        return groups

    def __call__(
        self, batch: Mapping[str, np.ndarray], stop_asked: bool = False
    ) -> StepResult:
        """Takes a step.

        Args:
            batch: the features of the whole batch; each device takes its rows.
            stop_asked: whether this worker wants to stop; all hear of it.

        Raises:
            ValueError: when the batch is not of the recipe's size.
        """
        sizes = {name: len(value) for name, value in batch.items()}
        if set(sizes.values()) != {self._recipe.batch_size}:
            raise ValueError(
                f"A batch must hold {self._recipe.batch_size} examples, the recipe's "
                f"batch_size. Received: {sizes}"
            )
        self._before = [variable.numpy() for variable in self._moving]
        rows = distribute(self._strategy, batch)
        asked = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(float(stop_asked))
        )
        loss, norm, rate, applied, rescaled, asked = self._compiled(rows, asked).numpy()
        return StepResult(
            float(loss),
            float(norm),
            float(rate),
            bool(applied),
            bool(rescaled),
            bool(asked),
        )

    def _step(self, rows: Any, asked: Any) -> tf.Tensor:
        rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        gradients, facts = self._strategy.run(
            self._reduced, args=(self._sums(rows), asked)
        )
        loss, norm, asked = tf.unstack(
            self._strategy.experimental_local_results(facts)[0]
        )
        is_finite = tf.math.is_finite(norm) & tf.math.is_finite(loss)
        tf.cond(is_finite, lambda: self._apply(gradients), lambda: tf.constant(False))
        rescaled = tf.zeros([])
        if self._scale is not None:
            # A scale of 1 can not be to blame, nor can a loss that is not finite.
            helps = ~is_finite & tf.math.is_finite(loss) & (self._scale.factor > 1)
            rescaled = tf.cast(helps, tf.float32)
            self._scale.update(is_finite)
        return tf.stack(
            [loss, norm, rate, tf.cast(is_finite, tf.float32), rescaled, asked]
        )

    # The gradient.

    def _sums(self, rows: Any) -> Any:
        """Returns each device's sum of gradients and of losses over its parts."""
        sums = self._strategy.run(
            lambda: [
                *(tf.zeros(weight.shape) for weight in self._weights),
                tf.zeros([]),
            ]
        )
        if self._parts == 1:
            return self._strategy.run(self._add_part, args=(rows, 0, sums))
        # A loop that does not hold two parts in memory at once. It goes around the
        # replicas: those may not change shared state inside of one.
        _, sums = tf.while_loop(
            lambda part, _: part < self._parts,
            lambda part, sums: (
                part + 1,
                self._strategy.run(self._add_part, args=(rows, part, sums)),
            ),
            (tf.constant(0), sums),
            parallel_iterations=1,
        )
        return sums

    def _add_part(
        self, rows: Mapping[str, tf.Tensor], part: Any, sums: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        features = {
            name: value[part * size : (part + 1) * size]
            for name, value in rows.items()
            for size in [value.shape[0] // self._parts]
        }
        shares = self._strategy.num_replicas_in_sync * self._parts

        def scaled_loss() -> tuple[tf.Tensor, tf.Tensor]:
            losses = self._objective.losses_of_batch(self._model, features, True)
            loss = tf.add_n([tf.reduce_mean(losses.loss), *self._model.losses]) / shares
            if self._scale is not None:
                loss *= self._scale.factor
            return loss, tf.reduce_mean(losses.measured)

        gradients, measured = gradients_of(scaled_loss, self._weights)
        parts = [*gradients, measured / shares]
        return [
            total + tf.cast(each, tf.float32)
            for total, each in zip(sums, parts, strict=True)
        ]

    def _reduced(
        self, sums: list[tf.Tensor], asked: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Returns the clipped gradient of the whole batch, and facts."""
        replica = tf.distribute.get_replica_context()
        # What a function is given has no device yet, and a sum must know where it goes.
        values = [tf.identity(each) for each in [*sums, asked]]
        *gradients, loss, asked = replica.all_reduce("SUM", values)
        if self._scale is not None:
            gradients = [each / self._scale.factor for each in gradients]
        norm = tf.linalg.global_norm(gradients)
        if self._recipe.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(
                gradients, self._recipe.clip_norm, use_norm=norm
            )
        return gradients, tf.stack([loss, norm, asked])

    # The update.

    def _apply(self, gradients: Any) -> tf.Tensor:
        self._strategy.run(self._apply_on_replica, args=(gradients,))
        if self.average is not None:
            self.average.update(self.optimizer.iterations.value)
        return tf.constant(True)

    def _apply_on_replica(self, gradients: list[tf.Tensor]) -> None:
        # Keras sums over the replicas once more: each gives its share.
        replicas = self._strategy.num_replicas_in_sync
        shares = [
            tf.cast(each / replicas, weight.dtype)
            for each, weight in zip(gradients, self._weights, strict=True)
        ]
        self.optimizer.apply(shares, self._weights)

    def skip(self) -> None:
        """Counts a step that was not applied, so that the learning rate goes on."""
        self.optimizer.iterations.assign_add(1)

    def undo(self) -> None:
        """Takes back what a step that was not applied has moved on nonetheless.

        Those are the seeds of dropout and the loss scale.
        """
        for variable, value in zip(self._moving, self._before, strict=True):
            variable.assign(value)


class LossScale:
    """A factor of the loss that halves where gradients overflow, and grows back.

    Args:
        strategy: under which the model was made.

    Attributes:
        variables: the state, to be saved.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        with strategy.scope():
            self.factor = tf.Variable(_FIRST_SCALE, trainable=False)
            self._good_steps = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.variables = [self.factor, self._good_steps]

    def update(self, is_finite: tf.Tensor) -> None:
        """Halves the factor, or doubles it after many good steps; in a graph.

        Args:
            is_finite: whether the step's gradient was.
        """
        good = tf.where(is_finite, self._good_steps + 1, 0)
        grows = good >= _STEPS_TO_GROW
        factor = tf.where(is_finite, self.factor, tf.maximum(self.factor / 2, 1.0))
        self.factor.assign(tf.where(grows, factor * 2, factor))
        self._good_steps.assign(tf.where(grows, tf.zeros_like(good), good))
