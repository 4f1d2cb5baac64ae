"""The page a study ends in: one HTML file that opens anywhere, offline, light or dark, wide or narrow."""
