"""The page of dynamics: checkpoints along pre-training, before and after fine-tuning."""
