# Which study, and the rules that make it.
#   snakemake                                        the demo
#   snakemake --config study=specs/mine.yaml         another study
import os
import shlex
import sys
from pathlib import Path

from ptp_core.engine.outcomes import notes
from ptp_core.engine.requests import Requests
from ptp_core.engine.stages import STAGES
from ptp_core.engine.workflow import plan, prepare
from ptp_core.errors import EXIT_USER_ERROR, UserError, did_you_mean

RESULTS = Path(str(config.get("results", "results")))
try:
    for key in set(config) - {"study", "results"}:
        fix = did_you_mean(key, ("study", "results"))
        raise UserError(f'unknown configuration "{key}"', subject="--config", fix=fix)
    if set("{}*") & set(str(RESULTS)):
        raise UserError(
            "Snakemake would read {, } and * in it as wildcards",
            subject="results",
            got=str(RESULTS),
        )
    # A Snakemake on a node of a cluster runs what the first one has planned: it must not write, or drop, any file.
    planned = prepare if workflow.is_main_process else plan
    STUDY = planned(Path(str(config.get("study", "specs/demo.yaml"))), RESULTS)
except (UserError, OSError) as error:
    print(error, file=sys.stderr, flush=True)
    # Snakemake would wrap an exception in a traceback of this file; nothing has started, so leave at once.
    os._exit(EXIT_USER_ERROR)

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


onsuccess:
    for note in notes(STUDY.graph, STUDY.folders):
        print(note)
    print(f"\nReport: {HOME / 'report.html'}")
