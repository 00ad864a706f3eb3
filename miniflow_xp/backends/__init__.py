"""The array libraries that this package runs on: a small folder, or one file, a backend."""
