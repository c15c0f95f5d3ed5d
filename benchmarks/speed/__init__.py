"""What is faster than what, measured in one process: A B A B, medians, equal outputs checked."""
