"""The paper's first experiment: do captions find their images, before and after contrastive learning?"""

run = config["folder"]
wildcard_constraints:
    model="|".join(config["models"]),
    seed=r"\d+",

rule all:
    input:
        expand(
            "{run}/{model}_{seed}{stage}.{what}.json",
            run=run, model=config["models"], seed=config["seeds"], stage=["", "_cl"], what=["retrieval", "metrics"],
        )

if config["scenes"]:
    rule make_scenes:
        output: directory(f"{run}/scenes")
        shell: "clcap make-scenes {output}"

rule prepare_captions:
    input: f"{run}/scenes" if config["scenes"] else []
    output: f"{run}/captions.h5"
    params: config["captions"]
    shell: "clcap prepare-captions {params} --out {output}"

rule extract_features:
    input: rules.prepare_captions.output
    output: f"{run}/features.h5"
    params: config["features"]
    shell: "clcap extract-features {input} {params} --out {output}"

rule train_mle:
    input: rules.prepare_captions.output, rules.extract_features.output
    output: f"{run}/{{model}}_{{seed}}.pt"
    params: config["mle"]
    shell: "clcap train-mle {input} --model {wildcards.model} {params} --seed {wildcards.seed} --out {output}"

rule train_cl:
    input: f"{run}/{{model}}_{{seed}}.pt"
    output: f"{run}/{{model}}_{{seed}}_cl.pt"
    params: config["cl"]
    shell: "clcap train-cl --ref {input} {params} --seed {wildcards.seed} --out {output}"

rule caption:
    input: f"{run}/{{name}}.pt"
    output: f"{run}/{{name}}.captions.json"
    params: config["split"]
    shell: "clcap caption {input} --split {params} --out {output}"

rule self_retrieve:
    input: f"{run}/{{name}}.pt", f"{run}/{{name}}.captions.json"
    output: f"{run}/{{name}}.retrieval.json"
    params: config["split"]
    shell: "clcap self-retrieve {input[0]} --results {input[1]} --split {params} --out {output}"

rule evaluate:
    input: f"{run}/{{name}}.captions.json"
    output: f"{run}/{{name}}.metrics.json"
    params: config["split"]
    shell: "clcap evaluate {input} --split {params} --out {output}"
