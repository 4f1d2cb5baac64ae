rule tokenizer:
    input:
        job=job_file("tokenizer"),
    output:
        receipt("tokenizer"),
    log:
        log_file("tokenizer"),
    benchmark:
        cost_file("tokenizer")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("tokenizer")
    resources:
        **REQUESTS.resources("tokenizer"),
    params:
        label=label("tokenizer"),
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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("shards")
    resources:
        **REQUESTS.resources("shards"),
    params:
        label=label("shards"),
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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("task")
    resources:
        **REQUESTS.resources("task"),
    params:
        label=label("task"),
    message:
        "items of task {params.label}"
    shell:
        RUN
