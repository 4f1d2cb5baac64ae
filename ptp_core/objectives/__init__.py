"""Pre-training objectives: pure functions from tokens to inputs, targets and the length of the bidirectional prefix."""
