"""In-context segmentation: how much each example adds, on rules that were never trained."""
