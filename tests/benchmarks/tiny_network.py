"""A network that every benchmark runs in no time, by the images' size."""

NAME = "4x2x3"
ARGUMENTS = {"filters": 3, "num_blocks": 1, "kernel_size": 3}
