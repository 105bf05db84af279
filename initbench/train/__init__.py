"""Training: many networks as one, the only training loop, and what is measured on the way."""
