"""A process that forks publishers, so that each is there at once and can be killed.

It imports all that a publisher needs and runs no operation of TensorFlow, whose threads
a fork would lose. For each line that it reads, it forks one publisher:

- `publish`: publishes a saved model, and then waits to be killed. It tells its process
  id when it begins, and nothing more.
- `whole`: publishes a saved model, and tells how many seconds that took.
- `step N`: publishes an export that is there, without asking it, and kills itself
  before the Nth operation on files. Tells `killed`, or `published` if there are fewer.

Arguments: the folder of versions, the saved model, the export.
"""

import itertools
import os
import pathlib
import shutil
import signal
import sys
import time
import traceback
import types

from keras_pixelcnn.models import load_model
from savedmodels.publish import publishing, warmup
from savedmodels.publish.batching import Batching

SMALL = {
    "signatures": ["log_prob"],
    "batching": Batching(max_batch_size=2),
    "verbose": False,
}

# Closing a descriptor and bringing a file to the disk are told to no hook; opening is,
# which comes before both.
OPERATIONS = ("open", "os.", "shutil.", "fcntl.")


def say(answer):
    """In one piece: two publishers that print would mix a line and its end."""
    os.write(1, f"{answer}\n".encode())


def main(base, model, export):
    warmup.serving_protos()
    say("ready")
    for line in sys.stdin:
        kind, *arguments = line.split()
        child = os.fork()
        if child == 0:
            publish_in_child(kind, base, model, pathlib.Path(export), *arguments)
        if kind == "step":
            _, status = os.waitpid(child, 0)
            say("killed" if os.WIFSIGNALED(status) else "published")


def publish_in_child(kind, base, model, export, *arguments):
    """Never returns: a child must not read the lines of its parent."""
    try:
        if kind == "step":
            publish_copy(base, export, int(*arguments))
        else:
            publish_model(kind, base, load_model(model))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        say("failed")
        os._exit(1)


def publish_model(kind, base, model):
    if kind == "publish":
        say(os.getpid())
    begin = time.monotonic()
    publishing.publish(model, base, **SMALL)
    if kind == "whole":
        say(time.monotonic() - begin)
    else:
        signal.pause()


def publish_copy(base, export, last):
    publishing.verify_export = lambda model, export: 0
    model = types.SimpleNamespace(
        export=lambda path, **options: shutil.copytree(export, path)
    )
    count = itertools.count(1)

    def kill(event, arguments):
        if event.startswith(OPERATIONS) and next(count) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)
    publishing.publish(model, base, **SMALL)


if __name__ == "__main__":
    main(*sys.argv[1:])
