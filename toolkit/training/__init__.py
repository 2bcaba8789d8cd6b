"""Training: recipe, augmentation, batches, the loop, checkpoints, pictures."""
