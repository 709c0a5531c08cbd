"""Networks that go to other tools and come from them: files in ONNX's form, read and written.

Everything that touches the package `onnx` (extra `onnx`) is here; what operators mean stands in
`onnx_operators`.
"""

from misstep.interchange.onnx_export import export_network
from misstep.interchange.onnx_import import from_onnx
from misstep.interchange.onnx_model import export_model
from misstep.interchange.onnx_reading import OnnxProgram, read_onnx

__all__ = ["OnnxProgram", "export_model", "export_network", "from_onnx", "read_onnx"]
