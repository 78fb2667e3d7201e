"""Inference hooks, one module each."""
