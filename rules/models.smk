rule import_tokenizer:
    input:
        job=job_file("import_tokenizer"),
    output:
        receipt("import_tokenizer"),
    log:
        log_file("import_tokenizer"),
    benchmark:
        cost_file("import_tokenizer")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("import_tokenizer")
    resources:
        **REQUESTS.resources("import_tokenizer"),
    params:
        label=label("import_tokenizer"),
    message:
        "take over the {params.label}"
    shell:
        RUN


rule import:
    input:
        job=job_file("import"),
        parents=parents("import"),
    output:
        receipt("import"),
    log:
        log_file("import"),
    benchmark:
        cost_file("import")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("import")
    resources:
        **REQUESTS.resources("import"),
    params:
        label=label("import"),
    message:
        "import {params.label}"
    shell:
        RUN


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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("pretrain")
    resources:
        **REQUESTS.resources("pretrain"),
    params:
        label=label("pretrain"),
    message:
        "pre-train {params.label}"
    shell:
        RUN


rule anneal:
    input:
        job=job_file("anneal"),
        parents=parents("anneal"),
    output:
        receipt("anneal"),
    log:
        log_file("anneal"),
    benchmark:
        cost_file("anneal")
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("anneal")
    resources:
        **REQUESTS.resources("anneal"),
    params:
        label=label("anneal"),
    message:
        "decay {params.label}"
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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("indicators")
    resources:
        **REQUESTS.resources("indicators"),
    params:
        label=label("indicators"),
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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("finetune")
    resources:
        **REQUESTS.resources("finetune"),
    params:
        label=label("finetune"),
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
    conda:
        "../envs/ptp.yaml"
    threads: REQUESTS.threads("evaluate")
    resources:
        **REQUESTS.resources("evaluate"),
    params:
        label=label("evaluate"),
    message:
        "evaluate {params.label}"
    shell:
        RUN
