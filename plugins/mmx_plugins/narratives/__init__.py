"""Narratives, one module each."""
