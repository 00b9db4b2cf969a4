"""Train on one device and on two replicas, and compare.

Run as `python -m tests.models.two_replicas`; prints "alike", or raises.
"""

import keras
import numpy as np
import tensorflow as tf

from models import SequenceModel
from models.signals import Signals
from tests.models import tiny
from tests.models.tiny import Batch, batch, copies

STEPS = 3


def build() -> SequenceModel:
    """Small, with a limit that cuts every step's gradients."""
    model = tiny.new("bahdanau", cell="rnn")
    optimizer = keras.optimizers.SGD(1.0, momentum=0.9)
    signals = Signals(l2=0.01)
    model.compile(
        optimizer, clip_norm=0.1, label_smoothing=0.1, signals=signals
    )
    optimizer.build(model.trainable_variables)
    return model


def batches() -> list[Batch]:
    """The rows differ much in length, and one is filler."""
    return [
        batch(tiny.SOURCES, tiny.TARGETS[i:] + tiny.TARGETS[:i], filler=1)
        for i in range(STEPS)
    ]


def train_on_two(strategy: tf.distribute.Strategy) -> SequenceModel:
    with strategy.scope():
        model = build()
    for data in batches():
        strategy.run(model.train_step, (halves(data, strategy),))
    return model


def halves(data: Batch, strategy: tf.distribute.Strategy) -> Batch:
    """The first rows for one replica, the last for the other."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.nest.map_structure(
            lambda x: tf.split(x, 2)[context.replica_id_in_sync_group], data
        )
    )


def main() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    half = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [half, half])
    one = build()
    for data in batches():
        one.train_step(data)

    two = train_on_two(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))

    for a, b in zip(copies(one), copies(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert one.get_metrics_result().keys() == two.get_metrics_result().keys()
    for name, value in one.get_metrics_result().items():
        np.testing.assert_allclose(
            value, two.get_metrics_result()[name], rtol=1e-5
        )
    print("alike")


if __name__ == "__main__":
    main()
