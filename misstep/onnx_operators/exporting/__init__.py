"""What each op is in operators of ONNX."""
