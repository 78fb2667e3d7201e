"""The checks that ship with mmx, one module each."""
