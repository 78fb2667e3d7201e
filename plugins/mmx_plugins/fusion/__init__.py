"""Fusions, one module each."""
