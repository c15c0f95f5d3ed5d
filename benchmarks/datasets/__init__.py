"""Datasets: where the files are, in which order, and what their labels mean."""
