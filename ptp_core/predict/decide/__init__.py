"""From judged indicators to a decision: which variant, how sure, which to fine-tune, and when to abstain."""
