"""Packages for authors: a small working method with all that pip and git ask for."""

from mmx.scaffold.package import new_plugin

__all__ = ["new_plugin"]
