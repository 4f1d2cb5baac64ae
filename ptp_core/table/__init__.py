"""The narrow waist: one tidy table between the half that measures and the half that decides."""
