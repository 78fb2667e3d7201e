"""Electrocardiograms for mmx; nothing but ``import mmx`` is used of it."""

MMX_API = 2
