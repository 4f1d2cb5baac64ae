"""The JSON schema that editors use to complete and check a spec; ``specs/schema.json`` is generated from it."""

from __future__ import annotations

import json
from typing import Any

from ptp_core.spec.presets import PRESETS
from ptp_core.spec.pretrain import Recipe, Variant
from ptp_core.spec.study import Study


def study_schema() -> dict[str, Any]:
    """JSON schema of a study, with the keys of a recipe spelled out under ``pretrain``."""
    schema = Study.model_json_schema()
    recipe = Recipe.model_json_schema()["properties"]
    recipe["model"] |= {"enum": [*sorted(PRESETS), None]}
    single = {"type": "object", "properties": recipe, "additionalProperties": False}
    named = single | {"properties": recipe | {"name": Variant.model_json_schema()["properties"]["name"]}}
    axes = {
        key: {"type": "array", "items": value, "minItems": 1, "description": value["description"]}
        for key, value in recipe.items()
    }
    section = schema["$defs"]["Pretrain"]["properties"]
    section["defaults"] |= single
    section["grid"] |= {"type": "object", "properties": axes, "additionalProperties": False}
    section["include"]["items"] = named
    section["exclude"]["items"] = single
    model = schema["$defs"]["Model"]
    model["properties"]["preset"] = {"enum": sorted(PRESETS), "description": "fills in the shape that is not written"}
    # A preset supplies every dimension, so none is required of a person writing one.
    model.pop("required")
    return schema


def schema_text() -> str:
    """The file's exact content."""
    return json.dumps(study_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
