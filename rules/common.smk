# Where a job keeps its files. A job's id is its fingerprint, so a receipt that exists is never stale: files that
# decide a result enter the id, and times of files decide nothing (hence `ancient`).
HOME = STUDY.folders.home


def job_file(stage):
    return ancient(HOME / "jobs" / stage / "{id}.json")


def receipt(stage):
    return HOME / "receipts" / stage / "{id}.json"


def log_file(stage):
    return HOME / "logs" / stage / "{id}.log"


def cost_file(stage):
    return HOME / "benchmarks" / stage / "{id}.tsv"


def parents(stage):
    return with_signature(
        lambda wildcards: [
            ancient(path) for path in STUDY.parent_receipts(stage, wildcards.id)
        ]
    )


def label(stage):
    return with_signature(lambda wildcards: STUDY.label(stage, wildcards.id))


REQUESTS = Requests(STUDY)
# `exec`: a signal that Slurm sends to all processes of a job ends a shell, and what it waits for would be killed.
RUN = f"exec ptp job {{input.job:q}} --results {shlex.quote(str(RESULTS))} > {{log:q}} 2>&1"
