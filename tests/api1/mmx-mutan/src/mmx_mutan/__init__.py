"""mmx-mutan: fusion.mutan for mmx."""
