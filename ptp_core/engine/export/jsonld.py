"""The metadata of a crate: entities of JSON-LD, added once each; ``rocrate`` knows the format."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from rocrate.model import ComputationalWorkflow, ContextEntity, Dataset, File
from rocrate.model.computerlanguage import get_lang
from rocrate.rocrate import ROCrate

Properties = dict[str, Any]

RO_CRATE = "1.1"
"""Version that the Workflow Run profiles build on."""
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
}
WORKFLOW_PROFILE = {"https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate"}
"""It demands a licence, so it is claimed where there is one."""
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


class Graph:
    """A growing crate. References are to be resolved by whoever adds: an id that nobody describes is a bug."""

    def __init__(self) -> None:
        self.crate = ROCrate(version=RO_CRATE)
        # The library would say the time of the export.
        del self.crate.root_dataset["datePublished"]
        self.crate.metadata.extra_contexts.append(CONTEXT)

    def root(self, properties: Properties, license_id: str | None) -> None:
        """What there is to say of the whole, and the profiles that it follows."""
        profiles = (WORKFLOW_PROFILE if license_id else {}) | PROFILES
        for url, name in profiles.items():
            self.add(url, "CreativeWork", {"name": name, "version": url.rsplit("/", 1)[1]})
        properties = properties | {"conformsTo": refs(profiles)}
        if license_id:
            properties["license"] = self._license(license_id)
            claimed = refs([self.crate.metadata.profile, *WORKFLOW_PROFILE])
            self.crate.metadata["conformsTo"] = claimed
        for key, value in properties.items():
            self.crate.root_dataset[key] = value

    def _license(self, license_id: str) -> dict[str, str]:
        url = license_id if "://" in license_id else f"https://spdx.org/licenses/{quote(license_id)}"
        return self.add(url, "CreativeWork", {"name": license_id})

    def add(self, identifier: str, kind: str | list[str], properties: Properties) -> dict[str, str]:
        """Something that is no file of the crate; returns the reference to it. Added twice, it stays as it was."""
        if identifier not in self.crate:
            self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind} | _compact(properties)))
        return ref(identifier)

    def file(self, place: str, properties: Properties) -> dict[str, str]:
        """A file that the crate holds."""
        entity = File(self.crate, dest_path=place, properties=_media(place) | _compact(properties))
        return ref(self.crate.add(entity).id)

    def workflow(self, place: str, properties: Properties, version: str) -> dict[str, str]:
        """The main workflow, which has steps; ``version`` is that of Snakemake."""
        types = {"@type": [*ComputationalWorkflow.TYPES, "HowTo"]}
        entity = ComputationalWorkflow(self.crate, dest_path=place, properties=types | _compact(properties))
        entity.lang = self.crate.add(get_lang(self.crate, "snakemake", version))
        self.crate.root_dataset["mainEntity"] = self.crate.add(entity)
        return ref(entity.id)

    def folder(self, place: str, properties: Properties) -> dict[str, str]:
        """A folder of the crate."""
        return ref(self.crate.add(Dataset(self.crate, dest_path=place, properties=_compact(properties))).id)

    def named(self, sha256: str, size: int | None, name: str) -> dict[str, str]:
        """A file that the crate does not hold: it is known by its content (RFC 6920), whatever it is called."""
        known = content_uri(sha256)
        if known not in self.crate:
            about = {"name": name, "sha256": sha256} | ({} if size is None else {"contentSize": str(size)})
            self.add(known, "File", _media(name) | about)
            self.crate.root_dataset.append_to("hasPart", ref(known))
        return ref(known)

    def json(self) -> dict[str, Any]:
        """The whole as JSON-LD."""
        found: dict[str, Any] = self.crate.metadata.generate()
        return found


def ref(identifier: str) -> dict[str, str]:
    """A reference to an entity."""
    return {"@id": identifier}


def refs(identifiers: Iterable[str]) -> list[dict[str, str]]:
    """References to several, each once, in their order."""
    return [ref(identifier) for identifier in dict.fromkeys(identifiers)]


def content_uri(sha256: str) -> str:
    """``ni:///sha-256;…``: the name of a content, from its digest in hex."""
    text = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{text}"


def _compact(properties: Properties) -> Properties:
    """Lists of one as the one, as RO-Crate 1.1 asks; what is empty is not there."""
    single = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in properties.items()
    }
    return {key: value for key, value in single.items() if value != []}


def _media(name: str) -> Properties:
    kind = MEDIA_TYPES.get(PurePosixPath(name).suffix)
    return {"encodingFormat": kind} if kind else {}
