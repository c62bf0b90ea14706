#!/usr/bin/env python3
"""Prints golden bytes of TensorBoard event records for Tests/InterchangeTests/TensorBoardTests.swift.

    pip install tensorboard==2.21.0 protobuf==7.36.2
    python tools/reference/make_tensorboard_values.py
"""
import io

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event):
    stream = io.BytesIO()
    RecordWriter(stream).write(event.SerializeToString())
    return stream.getvalue()


version = event_pb2.Event(wall_time=1763700000.25, file_version="brain.Event:2")
start = event_pb2.Event(wall_time=1763700000.5, step=300, session_log=event_pb2.SessionLog(status=1))
scalars = event_pb2.Event(
    wall_time=1763700001.0, step=301,
    summary=summary_pb2.Summary(value=[
        summary_pb2.Summary.Value(tag="train/loss", simple_value=0.75),
        summary_pb2.Summary.Value(tag="train/learning_rate", simple_value=1e-3)]))
picture = event_pb2.Event(
    wall_time=1763700002.0, step=1 << 33,
    summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(
        tag="é", image=summary_pb2.Summary.Image(
            height=2, width=200, colorspace=3, encoded_image_string=bytes(range(200))))]))
for name, event in [("version", version), ("start", start), ("scalars", scalars), ("picture", picture)]:
    print(name, record(event).hex())
