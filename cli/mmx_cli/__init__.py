"""The command line of mmx: wiring only."""
