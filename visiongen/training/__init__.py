"""Training: recipes, sources of batches, targets, the losses and the loop."""
