"""ONNX files of what this package computes, from the equations that recording gives."""
