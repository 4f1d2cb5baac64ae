# Which study, and the rules that make it.
#   snakemake                                        the demo
#   snakemake --config study=specs/mine.yaml         another study
#   snakemake --config locked=true                   only what the lock beside the spec says
#   snakemake --config max_gpu_hours=100             nothing, if what would run took longer
import gc
import os
import shlex
import sys
from pathlib import Path

from ptp_core.engine.lock.refuse import is_locked
from ptp_core.engine.outcomes import notes
from ptp_core.engine.requests import Requests, with_signature
from ptp_core.engine.slurm_plugin import mend_slurm_plugin
from ptp_core.engine.stages import STAGES
from ptp_core.engine.staleness.limit import hours_allowed
from ptp_core.engine.workflow import plan, prepare
from ptp_core.engine.together import begin_run
from ptp_core.errors import EXIT_RETRY, EXIT_USER_ERROR, UserError, did_you_mean
from ptp_core.work import Busy

# Ten thousand jobs are a million objects, none of them garbage: looking through them again and again takes longer than
# planning them.
gc.set_threshold(100_000, 20, 100)

RESULTS = Path(str(config.get("results", "results")))
try:
    KNOWN = ("study", "results", "locked", "max_gpu_hours")
    for key in set(config) - set(KNOWN):
        fix = did_you_mean(key, KNOWN)
        raise UserError(f'unknown configuration "{key}"', subject="--config", fix=fix)
    if set("{}*") & set(str(RESULTS)):
        raise UserError(
            "Snakemake would read {, } and * in it as wildcards",
            subject="results",
            got=str(RESULTS),
        )
    SPEC, LIMIT = Path(str(config.get("study", "specs/demo.yaml"))), hours_allowed(
        config.get("max_gpu_hours")
    )
    LOCKED = is_locked(config.get("locked", False))
    # A Snakemake on a node of a cluster runs what the first one has planned: it must not write, or drop, any file, nor
    # stop what was allowed.
    if workflow.is_main_process:
        mend_slurm_plugin()
        STUDY = prepare(SPEC, RESULTS, locked=LOCKED, max_gpu_hours=LIMIT)
    else:
        STUDY = plan(SPEC, RESULTS)
except (UserError, OSError) as error:
    print(error, file=sys.stderr, flush=True)
    # Snakemake would wrap an exception in a traceback of this file; nothing has started, so leave at once.
    os._exit(EXIT_USER_ERROR)
gc.freeze()

# `ptp` lies beside the Python that runs Snakemake, whether or not that environment is activated.
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/summaries.smk"


rule all:
    default_target: True
    input:
        STUDY.summary_receipts("report"),


onstart:
    # Not of a dry run, nor of a Snakemake that runs one job on a node of a cluster.
    if workflow.is_main_process:
        try:
            begin_run(STUDY.folders)
        except Busy as busy:
            print(busy, file=sys.stderr, flush=True)
            os._exit(EXIT_RETRY)


onsuccess:
    for note in notes(STUDY.graph, STUDY.folders):
        print(note)
    print(f"\nReport: {HOME / 'report.html'}")
