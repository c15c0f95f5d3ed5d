"""Codec robustness: what label maps survive, without a generator."""
