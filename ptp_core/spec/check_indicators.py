"""What can be wrong with the section ``indicators``, as far as the spec alone tells."""

from __future__ import annotations

from collections.abc import Iterator

from ptp_core.errors import UserError, did_you_mean, shorten
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.indicators import (
    OPTIONS_OF,
    QUANTITIES_OF,
    IndicatorOptions,
    Kind,
    kind_of,
    subject_of,
)
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.objective import normalise, terms
from ptp_core.spec.scores import ANSWER_QUANTITIES, CHOICE_QUANTITIES
from ptp_core.spec.yaml_lines import PlacePath


def check_indicators(study: LoadedStudy) -> Iterator[UserError]:
    """Unknown names, indicators twice, options and quantities that an indicator does not have."""
    chosen = study.spec.indicators
    names = list(chosen)
    first: dict[str, str] = {}
    for i, name in enumerate(names):
        place: PlacePath = ("indicators", name if isinstance(chosen, dict) else i)
        if kind_of(name) == "ppl" and name != "".join(name.split()):
            yield _fault(study, place, f"spaces in {shorten(name)}", fix=f"write {''.join(name.split())}")
            continue
        if unknown := _unknown(study, name):
            yield _fault(study, place, unknown.what, fix=unknown.fix)
            continue
        twin = first.setdefault(_meaning(name), name)
        if name in names[:i] or twin != name:
            yield _fault(study, place, f'indicator "{name}" is listed twice')
        yield from _check_options(study, name, study.indicators[name], place)


def _unknown(study: LoadedStudy, name: str) -> UserError | None:
    """What is wrong with a name. Those of plug-ins are looked for in their files, later."""
    kind, subject = kind_of(name), subject_of(name)
    if kind == "ppl":
        try:
            known = [term.kind for term in terms(subject)] in (["clm"], ["sc"])
        except ValueError as error:
            if subject.startswith("sc("):
                return UserError(f"unknown indicator {shorten(name)}", fix=str(error))
            known = False
    else:
        known = bool(study.spec.plugins) if kind == "plugin" else subject in study.families
    return None if known else UserError(f"unknown indicator {shorten(name)}", fix=did_you_mean(name, examples(study)))


def examples(study: LoadedStudy) -> list[str]:
    """The names that indicators of this study may have, to choose the nearest from."""
    tasks = [f"{kind}_{task}" for kind in ("kshot", "tuned") for task in study.families]
    return ["ppl_clm", "ppl_sc", *tasks]


def _meaning(name: str) -> str:
    """The name in one spelling: ``ppl_sc`` is ``ppl_sc(0.15,3)``."""
    return f"ppl_{normalise(subject_of(name))}" if kind_of(name) == "ppl" else name


def _check_options(study: LoadedStudy, name: str, options: IndicatorOptions, place: PlacePath) -> Iterator[UserError]:
    kind, subject = kind_of(name), subject_of(name)
    own = OPTIONS_OF[kind] | {"quantities"}
    if kind == "kshot" and study.is_harness(subject):
        # Its YAML says how a question is put.
        own -= {"prompt_format"}
    for key in sorted(options.model_fields_set - own):
        what = f"{name} has no option `{key}`"
        yield _fault(study, (*place, key), what, expected=", ".join(sorted(own)))
    known = quantities_of(study, kind, subject)
    for i, quantity in enumerate(options.quantities):
        where: PlacePath = (*place, "quantities", i)
        if known and quantity not in known:
            fix = did_you_mean(quantity, known)
            yield _fault(study, where, f"{name} has no quantity {shorten(quantity)}", fix=fix)
        elif quantity in options.quantities[:i]:
            yield _fault(study, where, f'quantity "{quantity}" is listed twice')
        elif kind == "ppl" and quantity == "word_ppl" and "sc" in subject:
            what = "hidden spans are no words, so there is no word_ppl of them"
            yield _fault(study, where, what, fix="ask for bits_per_byte")
    entry = study.spec.tasks.get(subject) if kind in ("kshot", "tuned") else None
    if entry and not entry.is_harness and entry.train is None and (kind == "tuned" or study.spec.items == "disjoint"):
        fix = "give the task a `train` file" + ("" if kind == "tuned" else ", or write `items: shared`")
        yield _fault(study, place, f'task "{subject}" has no training items, which {name} needs', fix=fix)
    elif kind == "kshot" and entry and not entry.is_harness and entry.train is None and options.shots != 0:
        # It would be asked without examples, under the name of a few-shot score.
        what = f'task "{subject}" has no training items to show as examples'
        yield _fault(study, place, what, fix="write `shots: 0`, or give the task a `train` file")
    if kind == "tuned" and study.spec.finetune is None:
        what = f"{name} is tuned with the settings of a section `finetune`, which is not there"
        yield _fault(study, place, what, fix="add the section, or leave the indicator out")
    if kind == "tuned" and study.is_harness(subject):
        what = f'task "{subject}" is the harness\' own, so it has no training items of ours'
        yield _fault(study, place, what, fix="give a task with a `train` file")
    yield from _check_tasks(study, name, options, place)


def quantities_of(study: LoadedStudy, kind: Kind, subject: str) -> tuple[str, ...]:
    """What an indicator's ``quantities`` may be, as far as the spec alone tells; nothing where it does not."""
    if kind != "kshot":
        return QUANTITIES_OF[kind]
    if study.is_harness(subject):
        return ()
    if study.families[subject] == "cms":
        return CHOICE_QUANTITIES
    return QUANTITIES_OF[kind] if subject in study.spec.tasks else ANSWER_QUANTITIES


def _check_tasks(study: LoadedStudy, name: str, options: IndicatorOptions, place: PlacePath) -> Iterator[UserError]:
    """The tasks that a plug-in reads, each of which needs training items."""
    for i, task in enumerate(options.tasks):
        where: PlacePath = (*place, "tasks", i)
        if task not in study.families:
            yield _fault(study, where, f'unknown task "{task}"', fix=did_you_mean(task, study.families))
        elif task in study.spec.tasks and study.spec.tasks[task].train is None:
            fix = "give a task with a `train` file"
            yield _fault(study, where, f'task "{task}" has no training items of ours, which {name} reads', fix=fix)


def _fault(
    study: LoadedStudy, place: PlacePath, what: str, expected: str | None = None, fix: str | None = None
) -> UserError:
    return UserError(what, where=study.where(*place), subject=dotted(place), expected=expected, fix=fix)
