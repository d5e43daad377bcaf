"""Writes test/fixtures/tensorboard/events.tfrecord with TensorFlow's own messages and record writer.

    python test/reference/make_tensorboard_fixture.py test/fixtures/tensorboard     # needs tensorflow
"""
import sys
from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework.summary_pb2 import HistogramProto, Summary
from tensorflow.core.util.event_pb2 import Event, SessionLog

now = 1700000000.5


def summary(step, **value):
    return Event(wall_time=now, step=step, summary=Summary(value=[Summary.Value(**value)]))


events = [
    Event(wall_time=now, file_version="brain.Event:2"),
    Event(wall_time=now, step=3, session_log=SessionLog(status=SessionLog.START)),
    summary(3, tag="loss/train", simple_value=0.1),
    summary(300, tag="loss/train", simple_value=0.0),
    summary(2**40, tag="Verlust: schön", simple_value=float("nan")),
    summary(4, tag="weights", histo=HistogramProto(
        min=-2, max=1, num=4, sum=-1, sum_squares=7,
        bucket_limit=[-2 + 3 * (i + 1) / 30 for i in range(29)] + [1],
        bucket=[1.0] + [0.0] * 9 + [1.0] + [0.0] * 18 + [2.0],
    )),
]
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
with tf.io.TFRecordWriter(str(out / "events.tfrecord")) as writer:
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
