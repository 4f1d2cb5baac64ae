"""FLP-M (Chen et al. 2024): mixture and compute → the loss of each domain → scores; and the mixture that is best."""
