"""An indicator of your own: a function with a decorator and a docstring, in a file that `plugins:` of a spec names."""

import torch

from ptp_core.indicators import Probe, indicator


@indicator(higher_is_better=True)
def embedding_spread(probe: Probe) -> float:
    """Dimensions that the token embeddings really use: the participation ratio of their covariance."""
    covariance = torch.cov(probe.model.get_input_embeddings().weight.detach().double().T)
    variances = torch.linalg.eigvalsh(covariance)
    return float(variances.sum() ** 2 / (variances**2).sum())
