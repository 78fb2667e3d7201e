"""Heads, one module each."""
