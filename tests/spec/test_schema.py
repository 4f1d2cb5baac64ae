"""The schema that editors complete and check a spec with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ptp_core.spec.pretrain import Recipe
from ptp_core.spec.schema import schema_text, study_schema
from tests.spec.texts import SPEC, edited

SPECS = Path(__file__).parents[2] / "specs"


class EditorsYaml(yaml.SafeLoader):
    """Editors read YAML 1.2, in which 3e-3 is a number."""


EditorsYaml.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[0-9.]+e[+-]?[0-9]+$"), list("0123456789"))


def validate(text: str) -> None:
    jsonschema.validate(yaml.load(text, EditorsYaml), study_schema(), cls=jsonschema.Draft202012Validator)


def test_the_file_is_what_the_command_prints() -> None:
    assert (SPECS / "schema.json").read_text(encoding="utf-8") == schema_text(), "run: ptp schema > specs/schema.json"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_fits_and_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    validate(text)
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 7", "sead: 7"),
        ("study: small", "study: a/b"),
        ("tokens: 1M", "tokns: 1M"),
        ("[clm, sc]", "[]"),
        ("[clm, sc]", "clm"),
        ("objective: [", "objectiv: ["),
        ("{preset: nano}", "{preset: nan}"),
        ("{world: {}}", "{world: {people: 5}}"),
        ("tasks: [cms, cbqa]", "tasks: []"),
    ],
)
def test_it_refuses_what_the_spec_refuses(old: str, new: str) -> None:
    validate(SPEC)
    with pytest.raises(jsonschema.ValidationError):
        validate(edited((old, new)))


def test_it_explains_every_key() -> None:
    def sections(node: Any) -> list[dict[str, Any]]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        own = [node["properties"]] if isinstance(node, dict) and "properties" in node else []
        return own + [section for child in inner for section in sections(child)]

    keys = [(key, value) for section in sections(json.loads(schema_text())) for key, value in section.items()]
    assert len(keys) > 100
    assert [key for key, value in keys if "description" not in value] == []


def test_the_keys_of_a_variant_are_those_of_a_recipe() -> None:
    included = study_schema()["$defs"]["Pretrain"]["properties"]["include"]["items"]["properties"]
    assert set(included) == {*Recipe.model_fields, "name"}
