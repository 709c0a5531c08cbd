"""Programs in ONNX's terms: what its operators mean in ops of this library, and the way back.

Knows nodes as plain data (`node.py`), Values and ops; neither the package `onnx` nor files.
"""
