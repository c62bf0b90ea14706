#!/usr/bin/env python3
"""Small ONNX files as PyTorch's exporters write them, with an input and ONNX Runtime's output, for
Tests/ReferenceTests/ONNXTests.swift.

    pip install onnx==1.23.2 onnxruntime==1.31.1 onnxscript
    python tools/reference/make_onnx_values.py Tests/Values/onnx

`exported.onnx` is VoxCL's own: `VOXCL_WRITE_ONNX=$PWD/Tests/Values/onnx/exported.onnx VOXCL_TESTS=ONNX tools/test` writes it
before (and fails, as long as the values are of another file).

Each NAME.onnx has NAME.safetensors beside it: `input` and `output` at a size that is not the export's.
"""
import sys
import warnings
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch import nn

warnings.filterwarnings("ignore")


class ResizingUNet(nn.Module):
    """Up-sampling to the skip's size: Shape, Gather, Concat and Resize by `sizes`."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 6, 3, padding=1)
        self.norm = nn.InstanceNorm3d(6, affine=True)
        self.down = nn.Conv3d(6, 8, 3, stride=2, padding=1)
        self.deep = nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.join = nn.Conv3d(14, 6, 3, padding=1)
        self.head = nn.Conv3d(6, 3, 1)

    def forward(self, x):
        skip = F.leaky_relu(self.norm(self.first(x)), 0.01)
        deep = F.relu(self.deep(self.down(F.max_pool3d(skip, 2))))
        deep = F.interpolate(deep, size=skip.shape[2:], mode="trilinear", align_corners=False)
        return self.head(F.leaky_relu(self.join(torch.cat([skip, deep], 1)), 0.01))


class ManyLayers(nn.Module):
    """Norms over groups and the batch, a gate, residual sums, aligned corners, pads, crops, a softmax."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(2, 8, 3)
        self.group = nn.GroupNorm(4, 8)
        self.slope = nn.PReLU(8)
        self.batch = nn.BatchNorm3d(8)
        self.dilated = nn.Conv3d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.squeeze = nn.Conv3d(8, 4, 1)
        self.excite = nn.Conv3d(4, 8, 1)
        self.up = nn.ConvTranspose3d(8, 6, 3, stride=2, padding=1, output_padding=1)
        self.head = nn.Conv3d(14, 3, 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0.1, 0.3)
        nn.init.uniform_(self.batch.running_var, 0.5, 2)
        nn.init.normal_(self.batch.running_mean)

    def forward(self, x):
        x = self.slope(self.group(self.first(x)))
        y = self.batch(self.dilated(F.elu(x)) + x)
        gate = torch.sigmoid(self.excite(F.silu(self.squeeze(F.adaptive_avg_pool3d(y, 1)))))
        y = F.pad(y * gate, (1, 1, 1, 1, 1, 1), mode="replicate")
        deep = torch.tanh(self.up(F.avg_pool3d(y, 2)))
        deep = F.interpolate(deep, scale_factor=2, mode="trilinear", align_corners=True)
        near = F.interpolate(F.max_pool3d(y, 2), scale_factor=2, mode="nearest")
        deep = deep[:, :, 2:-2, 2:-2, 2:-2]
        size = [(a - b) // 2 for a, b in zip(deep.shape[2:], near.shape[2:])]
        near = F.pad(near, (size[2], size[2], size[1], size[1], size[0], size[0]))
        return torch.softmax(self.head(torch.cat([deep, near], 1)) * 0.5 + 1, 1)


def export(network, name, example, folder, dynamo, opset, free=True):
    network.eval()
    path = folder / f"{name}.onnx"
    options = {"opset_version": opset, "input_names": ["image"], "output_names": ["logits"], "dynamo": dynamo}
    if dynamo:
        axes = {2: "depth", 3: "height", 4: "width"}
        options |= {"dynamic_shapes": {"x": {k: torch.export.Dim.AUTO for k in axes}} if free else None,
                    "external_data": False, "verbose": False}
    elif free:
        options["dynamic_axes"] = {"image": {0: "n", 2: "d", 3: "h", 4: "w"}}
    torch.onnx.export(network, (example,), str(path), **options)
    return path


def keep(path, values):
    """ONNX Runtime's output for an input; the exporters' notes of source lines go."""
    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    del model.graph.metadata_props[:], model.graph.value_info[:]
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: values})[0]
    save_file({"input": values, "output": numpy.ascontiguousarray(output)}, path.with_suffix(".safetensors"))
    operators = sorted({node.op_type for node in model.graph.node})
    print(f"{path.name}: {path.stat().st_size} bytes, {' '.join(operators)}")


def typed_lists(folder):
    """Elements in typed lists instead of raw bytes, halves among them, packed and SAME_UPPER padding."""
    rng = numpy.random.default_rng(5)
    weight = rng.normal(size=(3, 1, 3, 3, 3)).astype(numpy.float32)
    half = rng.normal(size=(3, 3, 1, 1, 1)).astype(numpy.float16)
    tensors = [
        helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.ravel().tolist()),
        helper.make_tensor("h", TensorProto.FLOAT16, half.shape, half.ravel().tolist()),
        helper.make_tensor("s", TensorProto.FLOAT, [5], [1, 1, 2, 3, 1]),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], auto_pad="SAME_UPPER", strides=[2, 2, 2]),
        helper.make_node("Cast", ["h"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["a", "f"], ["b"]),
        helper.make_node("Resize", ["b", "", "s"], ["y"], mode="nearest", nearest_mode="round_prefer_floor",
                         coordinate_transformation_mode="half_pixel"),
    ]
    info = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "d", "h", "w"]),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, "e", "i", "v"])]
    graph = helper.make_graph(nodes, "typed", [info[0]], [info[1]], tensors)
    path = folder / "typed_lists.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    keep(path, rng.normal(size=(1, 1, 7, 8, 9)).astype(numpy.float32))
    # The same with its elements in a file beside it, which only raw bytes can be.
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.save(model, folder / "beside.onnx", save_as_external_data=True, location="beside.data", size_threshold=0,
              convert_attribute=False)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    rng = numpy.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape).astype(numpy.float32)
    small = ResizingUNet()
    example = torch.zeros(1, 1, 16, 16, 16)
    keep(export(small, "resizing_legacy", example, folder, False, 17), draw(2, 1, 12, 16, 20))
    keep(export(small, "resizing_dynamo", example, folder, True, 18), draw(1, 1, 12, 16, 20))
    many = ManyLayers()
    example = torch.zeros(1, 2, 12, 12, 12)
    keep(export(many, "many_legacy", example, folder, False, 17, free=False), draw(1, 2, 12, 12, 12))
    keep(export(many, "many_dynamo", example, folder, True, 20, free=False), draw(1, 2, 12, 12, 12))
    typed_lists(folder)
    if (folder / "exported.onnx").exists():
        keep(folder / "exported.onnx", draw(2, 3, 13, 15, 11))


if __name__ == "__main__":
    main()
