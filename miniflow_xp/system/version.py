"""The version of this package, which is written into every file that it leaves."""

__version__ = "0.2.0"
