"""Measuring checkpoints: perplexities, few-shot scores, and scores after fine-tuning."""
