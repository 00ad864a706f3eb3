"""Traced arrays: what a function is handed while it is differentiated or recorded, and the namespace they carry."""
