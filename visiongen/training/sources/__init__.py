"""Training sources: where batches come from. Each ``batch(index, seed)`` is a pure function.

The registry (``visiongen.registry.SOURCES``) names them for recipes.
"""
