"""Networks that go to other tools and come from them: files in ONNX's form, read and written.

Everything that touches the package `onnx` (extra `onnx`) is here; what operators mean stands in
`onnx_operators`.
"""
