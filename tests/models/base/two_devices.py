"""Programs that need two devices, which are made before TensorFlow starts."""

from tests.forked import run_source

BEGINNING = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
logical = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, logical)
import keras_pixelcnn as kp
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
"""


def run_on_two_devices(program):
    """Runs a program that finds `mirrored`, a strategy, in a process of its own."""
    run_source(BEGINNING + program)
