"""Readers of tables and of images, one format a module."""
