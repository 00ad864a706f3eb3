"""The array libraries that this package runs on: one small file a backend."""
