"""Text and task items: where they come from, and how they become tokens and batches."""
