"""Methods that answer from the record alone, as controls of studies."""
