"""A training loop with exact resumption, on any number of devices."""

from keras_pixelcnn.training.checkpoint_store import Checkpoint, CheckpointStore
from keras_pixelcnn.training.data_order import (
    ImagesFromStream,
    ImagesInMemory,
    TrainingImages,
)
from keras_pixelcnn.training.evaluation import Evaluation
from keras_pixelcnn.training.identity_batches import IdentityBatches
from keras_pixelcnn.training.objective import (
    BoundObjective,
    LikelihoodObjective,
    Objective,
    SquaredErrorObjective,
    TripletObjective,
)
from keras_pixelcnn.training.preemption import Preemption
from keras_pixelcnn.training.recipe import Recipe
from keras_pixelcnn.training.run_logger import RunLogger
from keras_pixelcnn.training.run_state import RunState, VariableSnapshot
from keras_pixelcnn.training.strategies import make_strategy
from keras_pixelcnn.training.train_step import StepResult, TrainStep
from keras_pixelcnn.training.training_loop import LoopOptions, TrainingLoop

__all__ = [
    "BoundObjective",
    "Checkpoint",
    "CheckpointStore",
    "Evaluation",
    "IdentityBatches",
    "ImagesFromStream",
    "ImagesInMemory",
    "LikelihoodObjective",
    "LoopOptions",
    "Objective",
    "Preemption",
    "Recipe",
    "RunLogger",
    "RunState",
    "SquaredErrorObjective",
    "StepResult",
    "TrainStep",
    "TrainingImages",
    "TrainingLoop",
    "TripletObjective",
    "VariableSnapshot",
    "make_strategy",
]
