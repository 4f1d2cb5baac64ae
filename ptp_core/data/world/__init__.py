"""The embedded world: pre-training text of four domains and three task families, from one seed, without downloads."""

from ptp_core.data.world.generate import DOMAINS, FAMILIES, documents, guess, items, prompt, vocabulary

__all__ = ["DOMAINS", "FAMILIES", "documents", "guess", "items", "prompt", "vocabulary"]
