"""Whether what is in the store is what was made: files re-hashed, numbers derived again, jobs repeated."""
