"""In which order the tokens of a map are written: one file an order."""
