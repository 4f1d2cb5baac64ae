"""What a crate says: the workflow and its steps, every job as an action, who made what from what, with which code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ptp_core.engine.export.contents import LOCK, SNAKEFILE, SPEC, Content, is_copied, output_place, result_place
from ptp_core.engine.export.finished import FinishedStudy, Result
from ptp_core.engine.export.jsonld import Graph, Properties, ref, refs
from ptp_core.engine.stages import STAGES, SUMMARIES, Stage
from ptp_core.engine.units import Job, Unit
from ptp_core.identity.fingerprint import ID_LENGTH, package_version

PTP = "#ptp"
DONE, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
Ref = dict[str, str]


class Description:
    """Fills a graph from a finished study and the files that its crate holds."""

    def __init__(self, study: FinishedStudy, contents: Mapping[str, Content], with_weights: bool) -> None:
        self.study, self.contents, self.with_weights = study, contents, with_weights
        self.graph = Graph()
        self.tools: dict[str, list[str]] = {}
        """Stage → the tools that made its results: one for each state of its code."""
        self.controls: list[Ref] = []
        self.actions: list[Ref] = []
        self.inputs: dict[str, Ref] = {}

    def metadata(self, day: str | None, license_id: str | None) -> dict[str, Any]:
        """The whole JSON-LD."""
        for place, content in self.contents.items():
            if place != SNAKEFILE:
                self.graph.file(place, _file(content))
        for result in self.study.results.values():
            self._result(result)
        for job in self.study.workflow.graph.jobs:
            self._control(job)
        for stage, summary in self.study.workflow.summaries.items():
            self._summary(stage, summary)
        run = self._run()
        title = f"Study {self.study.name}"
        about: Properties = {
            "name": title,
            "description": f"{title}: its workflow, its results, and how each of them was made.",
            "mentions": [run, *self.actions],
        }
        about |= {"datePublished": day} if day else {}
        self.graph.root(about, license_id)
        return self.graph.json()

    def _result(self, result: Result) -> None:
        unit, receipt = result.unit, result.receipt
        identity = receipt.get("identity") or unit.identity
        parents = (result_place(self.study.results[parent.whole.fingerprint]) for parent in unit.parents.values())
        action: Properties = {
            "name": f"{unit.stage} {unit.label}",
            "identifier": unit.fingerprint,
            "instrument": self._tool(unit.stage, identity["code"], identity["packages"]),
            "object": [*refs(parents), *self._inputs_of(unit)],
        } | _times(receipt)
        if result.is_sound:
            action |= {"actionStatus": DONE, "result": self._folder(result)}
        else:
            action |= {"actionStatus": FAILED, "error": str(receipt["reason"])}
            if result.is_kept:
                # Its descendants name it as what they were to be made from.
                action["result"] = self._folder(result)
        self.actions.append(self.graph.add(_action(unit), "CreateAction", action))

    def _folder(self, result: Result) -> Ref:
        place = result_place(result)
        parts = [
            ref(quote(place + file.name))
            if is_copied(result, file, self.with_weights)
            else self.graph.named(file.sha256, file.bytes, file.name)
            for file in result.files
        ]
        return self.graph.folder(
            place,
            {
                "name": f"{result.unit.stage} {result.unit.label}",
                "identifier": result.unit.fingerprint,
                "hasPart": refs(part["@id"] for part in [ref(quote(place) + "receipt.json"), *parts]),
            },
        )

    def _inputs_of(self, unit: Unit) -> Iterator[Ref]:
        for files in unit.inputs.values():
            for path, sha256 in files:
                size = path.stat().st_size if path.is_file() else None
                found = self.graph.named(sha256, size, path.name)
                self.inputs[sha256] = found
                yield found

    def _tool(self, stage: str, code: str, packages: Mapping[str, str]) -> Ref:
        """The code of a stage in one state."""
        tool = f"#{stage}-{code[:ID_LENGTH]}"
        known = self.tools.setdefault(stage, [])
        if tool not in known:
            known.append(tool)
        about = {
            "name": f"ptp stage {stage}",
            "softwareVersion": f"code {code}",
            "softwareRequirements": [self._ptp(), *(self._package(*item) for item in sorted(packages.items()))],
        }
        return self.graph.add(tool, "SoftwareApplication", about)

    def _ptp(self) -> Ref:
        about = {"name": "ptp_core", "softwareVersion": package_version("ptp_core")}
        return self.graph.add(PTP, "SoftwareApplication", about)

    def _package(self, name: str, version: str) -> Ref:
        about = {"name": name, "softwareVersion": version}
        return self.graph.add(f"#package-{quote(f'{name}-{version}', safe='')}", "SoftwareApplication", about)

    def _control(self, job: Job) -> None:
        """A job of Snakemake: a step of the workflow, and the results that it was to make."""
        self._add_control(job.stage, job.id, job.label, [_action(unit) for unit in job.units])

    def _add_control(self, stage: str, job_id: str, label: str, actions: list[str]) -> None:
        about = {"name": f"job {stage} {label}".rstrip(), "instrument": ref(_step(stage)), "object": refs(actions)}
        self.controls.append(self.graph.add(f"#job-{stage}-{job_id}", "ControlAction", about))

    def _summary(self, stage: str, content: Mapping[str, Any]) -> None:
        """The table, what is made of it, or the report."""
        action = f"#run-{stage}-{content['id']}"
        about = {
            "name": stage,
            "identifier": content["fingerprint"],
            "instrument": self._tool(stage, SUMMARIES[stage].code, SUMMARIES[stage].versions),
            "object": self._read_by(stage, content),
            "result": refs(self._outputs(stage)),
            "actionStatus": DONE,
        }
        self.actions.append(self.graph.add(action, "CreateAction", about))
        self._add_control(stage, content["id"], "", [action])

    def _read_by(self, stage: str, content: Mapping[str, Any]) -> list[Ref]:
        if stage != "table":
            before = ["table"] if stage != "report" else [s for s in self.study.outputs if s != "report"]
            return refs(place for name in before for place in self._outputs(name))
        measured = [r for r in self.study.results.values() if r.unit.stage in ("indicators", "evaluate")]
        tables = [self._table(entry) for entry in content["settings"]["tables"] if entry["sha256"]]
        return [*refs(quote(result_place(result)) for result in measured if result.is_kept), *tables]

    def _table(self, entry: Mapping[str, Any]) -> Ref:
        """A table measured elsewhere."""
        found = self.graph.named(entry["sha256"], None, str(entry["table"]["path"]).rsplit("/", 1)[-1])
        self.inputs[entry["sha256"]] = found
        return found

    def _outputs(self, stage: str) -> list[str]:
        return [quote(output_place(name)) for name in self.study.outputs[stage]]

    def _run(self) -> Ref:
        """The workflow with its steps, its run as a whole, and the engine that drove it."""
        version = package_version("snakemake")
        about: Properties = _file(self.contents[SNAKEFILE]) | {"version": package_version("ptp_core")}
        stages: list[Stage] = [s for s in (*STAGES.values(), *SUMMARIES.values()) if s.name in self.tools]
        for position, stage in enumerate(stages, start=1):
            step = {"name": stage.name, "position": str(position), "workExample": refs(self.tools[stage.name])}
            self.graph.add(_step(stage.name), "HowToStep", step)
        about["step"] = refs(_step(stage.name) for stage in stages)
        about["hasPart"] = refs(tool for stage in stages for tool in self.tools[stage.name])
        about["runtimePlatform"] = self._platforms()
        workflow = self.graph.workflow(SNAKEFILE, about, version)
        about = {
            "name": f"run of study {self.study.name}",
            "instrument": workflow,
            "object": [*refs(p for p in (SPEC, LOCK) if p in self.contents), *self.inputs.values()],
            "result": refs(place for stage in self.study.outputs for place in self._outputs(stage)),
            "actionStatus": DONE,
        } | _span(result.receipt for result in self.study.results.values())
        run = self.graph.add("#run", "CreateAction", about)
        engine = self.graph.add("#snakemake", "SoftwareApplication", {"name": "Snakemake", "softwareVersion": version})
        about = {"name": "Snakemake", "instrument": engine, "object": self.controls, "result": run}
        self.graph.add("#engine", "OrganizeAction", about)
        return run

    def _platforms(self) -> list[str]:
        hosts = [r.receipt["host"] for r in self.study.results.values() if r.receipt.get("host")]
        return sorted({f"Python {host['python']} on {host['system']}" for host in hosts})


def _file(content: Content) -> Properties:
    return {"name": content.name, "contentSize": str(content.bytes), "sha256": content.sha256}


def _action(unit: Unit) -> str:
    return f"#run-{unit.stage}-{unit.id}"


def _step(stage: str) -> str:
    return f"#step-{stage}"


def _times(receipt: Mapping[str, Any]) -> Properties:
    """When it began and ended, where the receipt knows."""
    return {name: receipt[key] for name, key in (("startTime", "began"), ("endTime", "ended")) if receipt.get(key)}


def _span(receipts: Iterable[Mapping[str, Any]]) -> Properties:
    """From the first beginning to the last end."""
    known = [r for r in receipts if r.get("began") and r.get("ended")]
    if not known:
        return {}
    return {"startTime": min(r["began"] for r in known), "endTime": max(r["ended"] for r in known)}
