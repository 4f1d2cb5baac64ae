"""From the table of measurements to a verdict: which variant is best, and which indicator would have told."""
