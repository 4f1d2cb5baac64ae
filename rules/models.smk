rule pretrain:
    input:
        job=job_file("pretrain"),
        parents=parents("pretrain"),
    output:
        receipt("pretrain"),
    log:
        log_file("pretrain"),
    benchmark:
        cost_file("pretrain")
    params:
        label=label("pretrain"),
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=1440,
    conda:
        "../envs/ptp.yaml"
    message:
        "pre-train {params.label}"
    shell:
        RUN


rule indicators:
    input:
        job=job_file("indicators"),
        parents=parents("indicators"),
    output:
        receipt("indicators"),
    log:
        log_file("indicators"),
    benchmark:
        cost_file("indicators")
    params:
        label=label("indicators"),
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=120,
    conda:
        "../envs/ptp.yaml"
    message:
        "indicators of {params.label}"
    shell:
        RUN


rule finetune:
    input:
        job=job_file("finetune"),
        parents=parents("finetune"),
    output:
        receipt("finetune"),
    log:
        log_file("finetune"),
    benchmark:
        cost_file("finetune")
    params:
        label=label("finetune"),
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=480,
    conda:
        "../envs/ptp.yaml"
    message:
        "fine-tune {params.label}"
    shell:
        RUN


rule evaluate:
    input:
        job=job_file("evaluate"),
        parents=parents("evaluate"),
    output:
        receipt("evaluate"),
    log:
        log_file("evaluate"),
    benchmark:
        cost_file("evaluate")
    params:
        label=label("evaluate"),
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=120,
    conda:
        "../envs/ptp.yaml"
    message:
        "evaluate {params.label}"
    shell:
        RUN
