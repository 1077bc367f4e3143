"""A process that forks training runs, so that each begins at once and can be killed.

It imports all that a run needs and runs no operation of TensorFlow, whose threads a
fork would lose. For each line that it reads, JSON {"workdir", "kill", ...}, it forks a
run, kills it as told, and prints how it ended.
"""

import json
import os
import signal
import sys
import time
import traceback

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.training import (
    ImagesInMemory,
    LoopOptions,
    Preemption,
    Recipe,
    TrainingLoop,
    TrainStep,
)

OPERATIONS = ("open", "os.", "shutil.", "fcntl.")
SHAPE, LEVELS, BATCH, COUNT = (4, 4, 1), 4, 8, 52
STEPS = 40  # of which 6 make an epoch


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        begun, begin = os.pipe()
        child = os.fork()
        if child == 0:
            train_in_child(command, begin)
        os.close(begin)
        os.read(begun, 1)  # the first step has been taken, or the child is gone
        os.close(begun)
        if "seconds" in command:
            time.sleep(command["seconds"])
            os.kill(child, getattr(signal, command.get("signal", "SIGKILL")))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def train_in_child(command, begin):
    """Never returns: a child must not read the lines of its parent."""
    code = 1
    try:
        os.dup2(2, 1)
        with Preemption() as preemption:
            train(command, preemption, lambda: os.write(begin, b"x"))
        code = 0
    except SystemExit as stop:
        code = stop.code
    except BaseException as error:
        code = 3 if type(error).__name__ == "NonFiniteLossError" else 1
        traceback.print_exc()
    finally:
        os._exit(code)


def train(command, preemption, on_first_step):
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    images = generator.integers(0, LEVELS, (COUNT, *SHAPE)).astype("uint8")
    model = kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1, dropout_rate=0.3)

    def begun():
        on_first_step()
        if "operation" in command:
            kill_before_operation(command["operation"])

    if "nan_at" in command:
        spoil(command["nan_at"])
    TrainingLoop(
        model,
        Recipe(
            STEPS,
            BATCH,
            learning_rate=0.02,
            warmup_steps=4,
            ema_momentum=0.9,
            clip_norm=0.2,
        ),
        ImagesInMemory(
            {"image": images}, batch_size=BATCH, seed=0, horizontal_flips=True
        ),
        lambda: iter([{"image": images[:7]}, {"image": images[7:10]}]),
        command["workdir"],
        options=LoopOptions(
            checkpoint_every=2,
            log_every=2,
            on_nonfinite=command.get("on_nonfinite", "stop"),
        ),
        on_first_step=begun,
        preemption=preemption,
    ).run()


def spoil(steps):
    """Makes the losses of some steps infinite, by pixels of no possible level."""
    call = TrainStep.__call__

    def spoiled(self, batch, stop_asked=False):
        if int(self.optimizer.iterations) + 1 in steps:
            batch = {"image": np.full_like(batch["image"], LEVELS)}
        return call(self, batch, stop_asked)

    TrainStep.__call__ = spoiled


def kill_before_operation(number):
    """Kills this process before the Nth operation on files from now on."""
    left = [number]

    def count(event, arguments):
        if event.startswith(OPERATIONS):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


if __name__ == "__main__":
    main()
