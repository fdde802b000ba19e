"""Training: optimizers, data, sessions."""
