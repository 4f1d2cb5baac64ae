"""The parts every section of a spec is made of: frozen models, and fields marked identity or execution."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from ptp_core.spec.quantities import refuse_truth_value

Role = Literal["identity", "execution"]

Precision = Literal["fp32", "bf16"]

NAME_LENGTH = 80
NAME_PATTERN = rf"^[A-Za-z0-9][A-Za-z0-9_.+-]{{0,{NAME_LENGTH - 1}}}$"
"""Names become file names and columns, so they are letters, digits and ``_ . + -``; never a path or a shell word."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]

Seed = Annotated[int, BeforeValidator(refuse_truth_value), Field(ge=0, lt=2**32)]
"""What numpy and torch both take as a seed."""


class Section(BaseModel):
    """A part of a spec: immutable, unknown keys refused, NaN and infinity refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_values_as_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name:
            annotation = cls.model_fields[info.field_name].annotation
            if annotation in (int, float) or {int, float} & set(get_args(annotation)):
                refuse_truth_value(value)
        return value


def _field(role: Role, description: str, unit: str | None, default: Any, limits: dict[str, Any]) -> Any:
    text = f"{description} [{unit}]" if unit else description
    extra: dict[str, Any] = {"role": role} | ({"unit": unit} if unit else {})
    return Field(default, description=text, json_schema_extra=extra, **limits)


def identity(description: str, *, unit: str | None = None, default: Any = ..., **limits: Any) -> Any:
    """A field that decides what a result *is*: changing it makes the results that depend on it stale."""
    return _field("identity", description, unit, default, limits)


def execution(description: str, *, unit: str | None = None, default: Any = ..., **limits: Any) -> Any:
    """A field that decides how, where or under which name a result is made: changing it makes nothing stale."""
    return _field("execution", description, unit, default, limits)
