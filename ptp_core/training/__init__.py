"""Training: the language model, one Lightning module, pre-training with exact resume, and fine-tuning."""
