"""Metrics: numpy arrays in, numbers out. Each has a functional core and a thin accumulator."""
