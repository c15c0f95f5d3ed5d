"""Which part of the painter earns its keep: one small run a question, same weights, same frames."""
