"""Checkpoints before and after fine-tuning: gain, forgetting, format sensitivity, latent gain, overtraining."""
