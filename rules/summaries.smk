# These files have one name whatever they are made from, so here the content of the job file decides (it holds a
# fingerprint; it is rewritten only when that changes, and Snakemake compares small files by content).


rule table:
    input:
        job=HOME / "jobs" / "table.json",
        receipts=[ancient(path) for path in STUDY.receipts("indicators", "evaluate")],
    output:
        HOME / "measurements.parquet",
        HOME / "measurements.csv",
    log:
        HOME / "logs" / "table.log",
    benchmark:
        HOME / "benchmarks" / "table.tsv"
    conda:
        "../envs/ptp.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "table of all measurements"
    shell:
        RUN


rule select:
    input:
        job=HOME / "jobs" / "select.json",
        table=HOME / "measurements.parquet",
    output:
        HOME / "selection.json",
    log:
        HOME / "logs" / "select.log",
    benchmark:
        HOME / "benchmarks" / "select.tsv"
    conda:
        "../envs/ptp.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "compare the variants"
    shell:
        RUN


rule report:
    input:
        job=HOME / "jobs" / "report.json",
        table=HOME / "measurements.parquet",
        selection=HOME / "selection.json",
        receipts=[ancient(path) for path in STUDY.receipts(*STAGES)],
    output:
        HOME / "report.html",
    log:
        HOME / "logs" / "report.log",
    benchmark:
        HOME / "benchmarks" / "report.tsv"
    conda:
        "../envs/ptp.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "report"
    shell:
        RUN
