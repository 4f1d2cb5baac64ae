"""Learning to compare two variants, tried on variants, families and outcomes that it has not seen."""
