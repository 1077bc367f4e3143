"""Samples new images of identities that were never seen, from one picture of each.

python -m trainers.portraits --config=portraits_glyphs --workdir=runs/portraits

Trains a `FaceEmbedder` on images whose labels are identities, then an image model that
is told the embedding of each image, the embedder frozen. Then it samples identities
that neither has seen, and measures how often the embedder finds the right one in the
samples (`trainers.portrait.retrieval_accuracy`). The same command goes on with a run
that was interrupted, at the step where it was.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers import train

define_flags = train.define_flags


def main(flag_values: flags.FlagValues) -> None:
    """Trains, samples and measures as the flags say."""
    from trainers.portrait.training import train_portraits

    train.start(flag_values, train_portraits)


if __name__ == "__main__":
    programs.run(main, define_flags)
