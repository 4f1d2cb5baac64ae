"""``ptp export``: what was asked for, and what to say of it."""

from __future__ import annotations

import argparse

from ptp_core.errors import UserError


def export(options: argparse.Namespace) -> None:
    """Write what was asked for, all of it or nothing. Raises UserError."""
    if options.crate is None and options.models is None:
        raise UserError("nothing to export", subject="ptp export", fix="give --crate TARGET, --models DIR or both")
    _refuse_idle(options)
    from ptp_core.engine.export.crate import export_crate, is_ours
    from ptp_core.engine.export.finished import finished_study
    from ptp_core.engine.export.models import export_models
    from ptp_core.engine.export.placing import check_target

    study = finished_study(options.spec, options.results)
    lines = []
    # Whatever is wrong with either is known before any of them is written.
    if options.crate is not None:
        check_target(options.crate, study.folders.store, options.force, is_ours)
    if options.models is not None:
        lines += export_models(
            study, options.models, options.variant, options.finetuned, options.license, options.force
        )
    if options.crate is not None:
        lines += export_crate(study, options.crate, options.with_weights, options.date, options.license, options.force)
    print("\n".join(lines))


def _refuse_idle(options: argparse.Namespace) -> None:
    """An option that would do nothing is a mistake."""
    needs = {"--variant": "models", "--finetuned": "models", "--with-weights": "crate", "--date": "crate"}
    for option, target in needs.items():
        if getattr(options, option[2:].replace("-", "_")) and getattr(options, target) is None:
            raise UserError(f"{option} goes with --{target}", subject="ptp export")
