"""Statistics for comparing variants, each module usable alone and each proved by a simulation test."""
