"""Laws of size, compute and loss: their forms, robust fits, refits over resamples of the runs, and bands."""
