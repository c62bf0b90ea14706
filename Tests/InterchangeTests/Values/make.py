"""Writes python.safetensors with the reference implementation (safetensors==0.8.0, numpy); checks a file of ours.

python make.py            writes the file beside this script
python make.py FILE       reads FILE, which WriterTests leaves at $VOXCL_TEST_OUTPUT; compares it with the values below
"""

import pathlib
import sys

import numpy as np
import safetensors
from safetensors.numpy import load_file

values = {
    "floats": np.array([[0.0, -1.5, 3.25], [1e-45, 3.4028235e38, np.inf]], np.float32),
    "doubles": np.array([0.1, 1e300, -2.0], np.float64),
    "halves": np.array([1.0, -2.5, 65504.0, 6e-8], np.float16),
    "int64s": np.array([[1, -2], [2**31 - 1, -(2**31)]], np.int64),
    "bytes": np.array([0, 127, 255], np.uint8),
    "flags": np.array([True, False], np.bool_),
    "scalar": np.array(7, np.int32),
    "empty": np.zeros((0, 3), np.float32),
}
bfloat16 = np.array([0x3F80, 0xC040], np.uint16)  # 1, -3

if len(sys.argv) > 1:
    found = load_file(sys.argv[1])
    assert list(sorted(found)) == sorted(values), sorted(found)
    for name, value in values.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
        assert found[name].tobytes() == value.tobytes(), name
    with safetensors.safe_open(sys.argv[1], "np") as file:
        assert file.metadata() == {"zürich": "Ü \"quoted\" \\ \n", "a": "1"}, file.metadata()
    print("ok")
else:
    values["brains"] = bfloat16
    tensors = {}
    for name, value in values.items():
        dtype = "bfloat16" if value is bfloat16 else value.dtype.name
        tensors[name] = safetensors.TensorSpec(
            dtype=dtype, shape=value.shape, data_ptr=value.ctypes.data, data_len=value.nbytes
        )
    data = bytes(safetensors.serialize(tensors, {"recipe": '{"seed": 1}'}))
    pathlib.Path(__file__).with_name("python.safetensors").write_bytes(data)
