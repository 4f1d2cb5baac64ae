"""All forms by name, in the order of the fields ``loss_forms``, ``score_forms`` and ``direct_forms`` of a spec."""

from __future__ import annotations

from ptp_core.predict.scaling.laws.form import Form, Inputs
from ptp_core.predict.scaling.laws.losses import DIRECT, FLP, ND, OVERTRAINING
from ptp_core.predict.scaling.laws.scores import EXPONENTIAL, FP, LINEAR, SIGMOID

__all__ = ["FORMS", "Form", "Inputs"]

FORMS: dict[str, Form] = {form.name: form for form in (FLP, ND, OVERTRAINING, LINEAR, EXPONENTIAL, SIGMOID, FP, DIRECT)}
