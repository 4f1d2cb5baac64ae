"""What in the table would fool its reader: copies, collapses, leaks, confounds, noise."""
