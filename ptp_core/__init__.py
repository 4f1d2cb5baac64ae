"""Choose the pre-training variant that will be best after fine-tuning, from a YAML spec to a verdict."""
