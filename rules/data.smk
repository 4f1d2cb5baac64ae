rule tokenizer:
    input:
        job=job_file("tokenizer"),
    output:
        receipt("tokenizer"),
    log:
        log_file("tokenizer"),
    benchmark:
        cost_file("tokenizer")
    params:
        label=label("tokenizer"),
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/ptp.yaml"
    message:
        "tokenizer"
    shell:
        RUN


rule shards:
    input:
        job=job_file("shards"),
        parents=parents("shards"),
    output:
        receipt("shards"),
    log:
        log_file("shards"),
    benchmark:
        cost_file("shards")
    params:
        label=label("shards"),
    resources:
        mem_mb=2000,
        runtime=120,
    conda:
        "../envs/ptp.yaml"
    message:
        "token shards of {params.label}"
    shell:
        RUN


rule task:
    input:
        job=job_file("task"),
    output:
        receipt("task"),
    log:
        log_file("task"),
    benchmark:
        cost_file("task")
    params:
        label=label("task"),
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../envs/ptp.yaml"
    message:
        "items of task {params.label}"
    shell:
        RUN
