"""Regression for mmx: one number a case, with intervals, losses, controls and studies."""
