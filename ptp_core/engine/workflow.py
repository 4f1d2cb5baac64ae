"""What the Snakefile asks: the jobs of a study, their files, and what each of them waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ptp_core.engine import graph as graphs
from ptp_core.engine.adopted import stages_of
from ptp_core.engine.check import check_study
from ptp_core.engine.code_manifests import write_manifests
from ptp_core.engine.current import note_current, note_spec
from ptp_core.engine.folders import Folders
from ptp_core.engine.jobfiles import FORMAT, Stored, names_in, write_jobs
from ptp_core.engine.lock.refuse import refuse_unlocked
from ptp_core.engine.outcomes import failures, read_job_receipt
from ptp_core.engine.rows import row_settings
from ptp_core.engine.runner import receipt_from_store
from ptp_core.engine.stages import OUTPUTS, STAGES, SUMMARIES
from ptp_core.engine.together import planning
from ptp_core.engine.units import Graph, Job
from ptp_core.errors import UserError
from ptp_core.files import pretty_json, write_if_changed
from ptp_core.identity.canonical import digest
from ptp_core.identity.digests import DigestCache
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lockfile import lock_path
from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Variant
from ptp_core.spec.select import Primary
from ptp_core.spec.yaml_lines import PlacePath

Settings = dict[str, Any]


@dataclass(frozen=True)
class Workflow:
    """A planned study."""

    study: LoadedStudy
    graph: Graph
    folders: Folders
    jobs: Mapping[tuple[str, str], Job]
    """(stage, id) → job."""
    unresolved: list[UserError] | None = None
    """What to tell of files that are not here, where a study is planned without them; else that is raised."""

    def receipts(self, *stages: str) -> list[str]:
        """The receipts of all jobs of some stages."""
        return [str(self.folders.receipt(job.stage, job.id)) for job in self.graph.jobs if job.stage in stages]

    def parent_receipts(self, stage: str, job_id: str) -> list[str]:
        """The receipts that a job waits for."""
        parents = self.graph.parents(self.jobs[stage, job_id])
        return [f"{self._receipts[parent.stage]}/{parent.id}.json" for parent in parents]

    def label(self, stage: str, job_id: str) -> str:
        """How people call a job."""
        return self.jobs[stage, job_id].label

    @cached_property
    def _receipts(self) -> dict[str, Path]:
        """Stage → the folder of its receipts; paths are slow where there are tens of thousands."""
        return {stage: self.folders.receipt(stage, "x").parent for stage in STAGES}

    @cached_property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """Stage → job file of the table, what is made of it, and the report."""
        return summary_jobs(self)

    def summary_receipts(self, *stages: str) -> list[str]:
        """The receipts of those of the summaries that this study has."""
        return [str(self.folders.receipt(s, self.summaries[s]["id"])) for s in stages if s in self.summaries]

    @property
    def pages(self) -> dict[str, str]:
        """Title → file of each page that the report's job writes."""
        return pages_of(self.summaries)

    def missing(self) -> list[Job]:
        """The jobs that have no receipt yet."""
        return [job for job in self.graph.jobs if not self.folders.receipt(job.stage, job.id).exists()]


def plan(spec: Path, results: Path) -> Workflow:
    """Read a study and build its graph; writes nothing but the cache of file digests. Raises UserError."""
    return plan_study(load_study(spec), results)


def plan_study(study: LoadedStudy, results: Path, unresolved: list[UserError] | None = None) -> Workflow:
    """The same for a study that has been read already; ``unresolved`` takes what to tell of files that are not here."""
    folders = Folders(results, study.spec.study)
    cache = DigestCache(folders.store / ".digests.json")
    graph = graphs.build(study, cache.digest, stages_of(lock_path(study.path)), unresolved)
    cache.save()
    return Workflow(study, graph, folders, {(job.stage, job.id): job for job in graph.jobs}, unresolved)


def prepare(spec: Path, results: Path, locked: bool = False, max_gpu_hours: float | None = None) -> Workflow:
    """Check and plan a study; write its job files, and the receipts of jobs whose results the store has already.

    ``locked``: refuse what the study's lock does not say. ``max_gpu_hours``: refuse what would take more. Both raise
    UserError, before anything is written.
    """
    workflow = plan_study(check_study(spec), results)
    if locked:
        refuse_unlocked(workflow)
    if max_gpu_hours is not None:
        from ptp_core.engine.staleness.limit import refuse_above

        refuse_above(workflow, max_gpu_hours)
    summaries = [(stage, content["id"]) for stage, content in workflow.summaries.items()]
    # First of all: from now on `ptp gc` leaves alone what these jobs make and read.
    note_spec(workflow.folders.home, spec)
    note_current(workflow.folders.home, [*workflow.jobs, *summaries])
    write_manifests(workflow.folders.store)
    with planning(workflow.folders) as being_run:
        write_jobs(workflow.graph, workflow.folders, workflow.study.spec.execution)
        for stage, content in workflow.summaries.items():
            write_if_changed(workflow.folders.job(stage, content["id"]), pretty_json(content))
        # Somebody looks on (a dry run, say) while others work: what they have written is theirs.
        if not being_run:
            _settle_receipts(workflow)
    return workflow


def _settle_receipts(workflow: Workflow) -> None:
    """Drop receipts that promise what is not there; write those of jobs whose results the store has."""
    retried = _receipts_as_the_store(workflow)
    gone: set[str] = set()
    for stage, content in workflow.summaries.items():
        files = OUTPUTS.get(stage) or workflow.pages.values()
        if retried or not all((workflow.folders.home / name).exists() for name in files):
            gone.add(stage)
        # Who removes a file wants it again, and the report with what is in it; and the table was made without what had
        # failed.
        if stage in gone or "table" in gone or (stage == "report" and gone):
            workflow.folders.receipt(stage, content["id"]).unlink(missing_ok=True)


def _receipts_as_the_store(workflow: Workflow) -> bool:
    """Drop the receipts that promise what is not there, write those that are missing; whether something had failed."""
    stored, folders, retried = Stored(workflow.folders.store), workflow.folders, False
    present = {stage: names_in(folders.receipt(stage, "x").parent) for stage in STAGES}
    for job in workflow.graph.jobs:
        receipt = folders.receipt(job.stage, job.id)
        exists, done = receipt.name in present[job.stage], all(stored.has(unit) for unit in job.units)
        if exists and not (done and job.stage != "indicators"):
            failed = _has_failed(receipt)
            retried = retried or failed
            # The store was emptied, an indicator has failed, or nobody can read it: a receipt must not promise what is
            # not there. Another study may have made it since.
            if failed or not done:
                receipt.unlink()
                exists = False
        if done and not exists:
            receipt_from_store(job, folders)
    return retried


def _has_failed(receipt: Path) -> bool:
    """Whether a job's receipt says so, or nothing that can be read."""
    try:
        return bool(failures([read_job_receipt(receipt)]))
    except (UserError, LookupError):
        return True


def summary_jobs(workflow: Workflow) -> dict[str, dict[str, Any]]:
    """The job files of the table, what is made of it, and the report; each holds the fingerprint of its sources."""
    study = workflow.study
    variants = [row_settings(v, study, config_of(v.variant, study)) for v in workflow.graph.variants]
    spec = workflow.study.spec
    shared = {"study": spec.study}
    table = _job("table", shared | {"variants": variants, "tables": _tables(workflow)})
    checkpoints = [{key: v[key] for key in ("name", "checkpoint", "tokenizer")} for v in variants]
    jobs = {"table": table} | _made_of(table, checkpoints, workflow)
    report = shared | {
        "variants": checkpoints,
        "perplexities": workflow.study.of_kind("ppl"),
        "items": spec.items,
        "jobs": [[job.stage, job.id] for job in workflow.graph.jobs],
        "spec": spec.model_dump(mode="json", exclude_unset=True),
        "packages": {name: value for stage in STAGES.values() for name, value in stage.versions.items()},
        "table": table["fingerprint"],
        "made_of_it": {stage: job["fingerprint"] for stage, job in jobs.items() if stage != "table"},
        "pages": pages_of(jobs),
    }
    return jobs | {"report": _job("report", report)}


def pages_of(summaries: Collection[str]) -> dict[str, str]:
    """Title → file of the pages of a study that makes these of its table."""
    first = {"Selection" if "select" in summaries else "Report": "report.html"}
    return first | {stage.capitalize(): f"{stage}.html" for stage in ("scaling", "dynamics") if stage in summaries}


def _made_of(table: Settings, checkpoints: list[Settings], workflow: Workflow) -> dict[str, Settings]:
    """The analyses that the spec asks for; a study without outcomes selects nothing."""
    study, spec = workflow.study, workflow.study.spec
    shared = {"study": spec.study, "table": table["fingerprint"]}
    jobs = {}
    if study.has_outcomes:
        chosen = {
            "select": _select(study),
            "variants": checkpoints,
            "tasks": task_places(workflow.graph),
            "further": bool(spec.scaling or spec.dynamics),
            "stated": sorted({name for entry in spec.measurements for name in entry.stated_directions}),
        }
        jobs["select"] = _job("select", shared | chosen)
    for stage in ("scaling", "dynamics"):
        section = getattr(spec, stage)
        if section is not None:
            settings = shared | {stage: section.model_dump(mode="json"), "places": study.places(stage)}
            if stage == "scaling":
                settings |= {"tasks": task_places(workflow.graph), "trained": bool(workflow.graph.jobs)}
            jobs[stage] = _job(stage, settings)
    return jobs


def task_places(graph: Graph) -> dict[str, str]:
    """Task that fine-tuned models are tested on → where the store keeps its items; the harness keeps its own."""
    outcomes = (outcome for variant in graph.variants for outcome in variant.outcomes)
    return {o.test: o.unit.parents["task"].place for o in outcomes if "task" in o.unit.parents}


def _select(study: LoadedStudy) -> dict[str, Any]:
    """The settings of the analysis; who names no primary outcome means the first one written, if any is."""
    spec = study.spec
    tables = [table.outcome_names or () for table in spec.measurements]
    written = [*(spec.finetune.tasks if spec.finetune else ()), *(name for names in tables for name in names)]
    primary = spec.select.primary or (Primary(outcome=written[0]) if written else None)
    return spec.select.model_copy(update={"primary": primary}).model_dump(mode="json")


def _job(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    stage = SUMMARIES[name]
    fingerprint = digest({"settings": _identity(settings), "code": stage.code, "packages": stage.versions})
    return {
        "format": FORMAT,
        "id": fingerprint[:ID_LENGTH],
        "stage": name,
        "fingerprint": fingerprint,
        # What the fingerprint covers beside the settings, so that a change of it can be named.
        "code": stage.code,
        "packages": stage.versions,
        "settings": settings | {"fingerprint": fingerprint},
    }


def _identity(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without where things are on this machine; the digests of tables stay."""
    settings = {key: value for key, value in settings.items() if key != "places"}
    if "tables" not in settings:
        return settings
    return settings | {"tables": [{key: t[key] for key in ("table", "sha256")} for t in settings["tables"]]}


def config_of(variant: Variant | Checkpoint, study: LoadedStudy) -> dict[str, Any]:
    """The columns that describe a variant: what differs between recipes, or what a checkpoint's entry says of it.

    For a law of the mixture the share of each domain as well.
    """
    if isinstance(variant, Checkpoint):
        return dict(variant.config)
    config = {key: getattr(variant.recipe, key) for key in study.varied_fields}
    weights = study.weights(variant.recipe.mixture) if study.share_columns else {}
    return config | {column: weights.get(domain, 0.0) for domain, column in study.share_columns.items()}


def _tables(workflow: Workflow) -> list[dict[str, Any]]:
    study, entries = workflow.study, []
    for i, table in enumerate(study.spec.measurements):
        place = ("measurements", i, "path")
        path = _table_file(workflow, table.path, place)
        where = study.where(*place)
        entries.append(
            {
                "table": table.model_dump(mode="json"),
                "base": str(study.path.parent),
                "spec": str(where.file),
                "line": where.line,
                # A file that is not there is reported by the reader, with its line in the spec.
                "sha256": DigestCache(Path("/dev/null")).digest(path) if path and path.is_file() else None,
            }
        )
    return entries


def _table_file(workflow: Workflow, text: str, place: PlacePath) -> Path | None:
    try:
        path = workflow.study.resolve(text, *place)
        if workflow.unresolved is None or path.is_file():
            return path
        raise UserError("no such file", where=workflow.study.where(*place), subject=dotted(place), got=str(path))
    except UserError as error:
        if workflow.unresolved is None:
            raise
        workflow.unresolved.append(error)
        return None
