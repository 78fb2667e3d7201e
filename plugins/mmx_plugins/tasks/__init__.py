"""Tasks: what is learned of the labels, and how it is scored; one module each."""
