"""Networks as ONNX graphs: manifest, inputs, decoders of outputs, and a process that runs them."""
