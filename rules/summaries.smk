# The files that people open: results/<study>/measurements.csv, selection.json and report.html.


rule table:
    input:
        job=job_file("table"),
        parents=[ancient(path) for path in STUDY.receipts("indicators", "evaluate")],
    output:
        receipt("table"),
    log:
        log_file("table"),
    benchmark:
        cost_file("table")
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
        job=job_file("select"),
        parents=ancient(STUDY.summary_receipt("table")),
    output:
        receipt("select"),
    log:
        log_file("select"),
    benchmark:
        cost_file("select")
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
        job=job_file("report"),
        parents=[
            ancient(STUDY.summary_receipt("select")),
            *(ancient(path) for path in STUDY.receipts(*STAGES)),
        ],
    output:
        receipt("report"),
        page=report(
            HOME / "receipts" / "report" / "{id}.html",
            caption="../ptp_core/report/caption.rst",
            category="Selection",
            labels={"page": "which variant to fine-tune"},
        ),
    log:
        log_file("report"),
    benchmark:
        cost_file("report")
    conda:
        "../envs/ptp.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "report"
    shell:
        RUN
