"""Compute → loss → performance (FLP), mixture → domain losses → performance (FLP-M), and the forms beside them."""
