# What each page of a study is about, for Snakemake's own report.
CONTENT = {
    "Selection": "which variant to fine-tune",
    "Report": "how the numbers were made",
    "Scaling": "from compute to loss to performance",
    "Dynamics": "before and after fine-tuning",
}


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
    threads: REQUESTS.threads("table")
    resources:
        **REQUESTS.resources("table"),
    message:
        "table of all measurements"
    shell:
        RUN


rule select:
    input:
        job=job_file("select"),
        parents=[ancient(path) for path in STUDY.summary_receipts("table")],
    output:
        receipt("select"),
    log:
        log_file("select"),
    benchmark:
        cost_file("select")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("select")
    resources:
        **REQUESTS.resources("select"),
    message:
        "compare the variants"
    shell:
        RUN


rule scaling:
    input:
        job=job_file("scaling"),
        parents=[ancient(path) for path in STUDY.summary_receipts("table")],
    output:
        receipt("scaling"),
    log:
        log_file("scaling"),
    benchmark:
        cost_file("scaling")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("scaling")
    resources:
        **REQUESTS.resources("scaling"),
    message:
        "from compute to loss to performance"
    shell:
        RUN


rule dynamics:
    input:
        job=job_file("dynamics"),
        parents=[ancient(path) for path in STUDY.summary_receipts("table")],
    output:
        receipt("dynamics"),
    log:
        log_file("dynamics"),
    benchmark:
        cost_file("dynamics")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("dynamics")
    resources:
        **REQUESTS.resources("dynamics"),
    message:
        "before and after fine-tuning"
    shell:
        RUN


rule report:
    input:
        job=job_file("report"),
        parents=[
            ancient(path)
            for path in (
                *STUDY.summary_receipts("table", "select", "scaling", "dynamics"),
                *STUDY.receipts(*STAGES),
            )
        ],
    output:
        receipt("report"),
        [
            report(
                HOME / "receipts" / "report" / f"{{id}}.{file}",
                caption="../ptp_core/report/caption.rst",
                category=title,
                labels={"page": CONTENT[title]},
            )
            for title, file in STUDY.pages.items()
        ],
    log:
        log_file("report"),
    benchmark:
        cost_file("report")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("report")
    resources:
        **REQUESTS.resources("report"),
    message:
        "report"
    shell:
        RUN
