"""The page of laws: compute → loss → score, held against runs that were not fitted."""
