#!/usr/bin/python
"""Plan models on GPUs: which fit, which limits TGI will choose, and what to change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_plan
short_description: Plan which models fit which GPUs, without touching a host
description:
  - Computes whether a model fits the GPUs, and how many of them it needs.
  - Computes how many tokens of KV cache remain, and which C(max_batch_prefill_tokens) TGI will
    choose. It uses the formulas and tables of TGI 3.3.7.
  - Advises what to change if the model does not fit.
  - Needs no GPU, host or network. It reports as unknown what config.json does not say.
  - Weights and KV cache are exact for unquantised models of the families llama, mistral,
    mixtral, qwen2, gemma, phi and granite. The memory that CUDA and a prefill take is
    estimated, so numbers of tokens are good to about 10 percent.
author: tgi-ansible
options:
  models:
    description:
      - Entries of C(tgi_models), with the same names and types.
      - An entry may have C(config), see O(configs).
    type: list
    elements: dict
    required: true
  configs:
    description:
      - The config.json of each model, by the model's name. It is a path on this machine, the text,
        or a mapping of dimensions.
      - The mapping may have C(weights_bytes), the size of all C(*.safetensors). For a path, the
        module also reads the index of the weights in the same directory.
      - Well-known models need none.
    type: dict
    default: {}
  environment:
    description: Environment variables of all models, C(tgi_environment).
    type: dict
    default: {}
  gpus:
    description:
      - "The GPUs of a host: names as nvidia-smi prints them, with their number in front
        (C(2x NVIDIA L4)), or mappings."
      - "A mapping has C(name), C(memory_mib) (MiB, as nvidia-smi prints it), and optionally
        C(count), C(index), C(uuid) and C(compute_cap)."
    type: list
    elements: raw
    required: true
attributes:
  check_mode:
    support: full
    description: The module only reads.
"""

EXAMPLES = r"""
- name: Plan the models of a host that does not exist yet
  tgi_plan:
    models: "{{ tgi_models }}"
    gpus: ["2x NVIDIA L4"]
  delegate_to: localhost

- name: Plan a model that is not well known, on a card that is not in the table
  tgi_plan:
    models:
      - {name: house, model_id: acme/house-7b, max_input_tokens: 7168, max_total_tokens: 8192}
    configs:
      house: /srv/house-7b/config.json
    gpus:
      - {name: NVIDIA RTX 6000 Ada Generation, memory_mib: 49140, compute_cap: 8.9, count: 4}
"""

RETURN = r"""
models:
  description: The plan of each model, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The model's name.
      type: str
    model_id:
      description: Its repository or directory.
      type: str
    fits:
      description:
        - C(yes), C(no) (not by the most favourable estimate either, or not with these GPUs),
          C(tight) (an estimate decides), C(unknown), or C(cpu) where it asks for no GPU.
      type: str
      sample: "yes"
    gpus:
      description: The GPUs it gets, with index, name, memory_mib, compute_cap, uuid.
      type: list
      elements: dict
    gpus_needed:
      description: Fewest such GPUs on which it surely fits; none where 16 are not enough.
      type: int
    num_shard:
      description: Number of GPUs that the model is divided over.
      type: int
    num_shard_choices:
      description: Numbers of GPUs, up to 16, that divide its heads.
      type: list
      elements: int
      sample: [1, 2, 4, 8]
    weights_gib:
      description: Weights on each GPU, in GiB.
      type: float
      sample: 14.96
    weights_exact:
      description: Whether C(weights_gib) is exact, not estimated.
      type: bool
    kv_bytes_per_token:
      description: KV cache of a token on each GPU, in bytes.
      type: int
      sample: 131072
    kv_tokens:
      description: Tokens that the KV cache will hold, TGI's C(max_batch_total_tokens).
      type: int
      sample: 28516
    max_input_tokens:
      description: Longest prompt in tokens, set by you or chosen by TGI.
      type: int
    max_total_tokens:
      description: Most tokens of prompt and answer together, set by you or chosen by TGI.
      type: int
    max_batch_prefill_tokens:
      description: Tokens of a prefill, set by you or chosen by TGI's launcher.
      type: int
      sample: 8049
    prefill_source:
      description:
        - Source of C(max_batch_prefill_tokens), C(set), C(compute) (the card's speed), C(default),
          C(max_position_embeddings) or C(memory).
      type: str
    problems:
      description: Reasons why TGI cannot serve the model, one line each, with the remedy.
      type: list
      elements: str
    warnings:
      description: Unknown, estimated or surprising facts, one line each.
      type: list
      elements: str
    advice:
      description: Changes that make the model fit, the least harmful first. Each is computed.
      type: list
      elements: dict
      contains:
        set:
          description: Options to write in the entry of C(tgi_models); empty for a smaller model.
          type: dict
          sample: {num_shard: 2}
        text:
          description: The same as a sentence.
          type: str
problems:
  description: The problems of all models and of entries in O(gpus).
  returned: always
  type: list
  elements: str
table:
  description: The plan as a block of text.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.planner.gpu_table import read_cards
from ansible.module_utils.tgi.planner.plan import plan_models
from ansible.module_utils.tgi.planner.plan_table import make_table
from ansible.module_utils.tgi.planner.result import as_values


def main() -> None:
    """Return the plan; a model that does not fit is a result, not a failure."""
    module = AnsibleModule(
        argument_spec={
            "models": {"type": "list", "elements": "dict", "required": True},
            "configs": {"type": "dict", "default": {}},
            "environment": {"type": "dict", "default": {}},
            "gpus": {"type": "list", "elements": "raw", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    cards, problems = read_cards(given["gpus"])
    plans = plan_models(given["models"], cards, given["configs"], given["environment"])
    for plan in plans:
        problems += plan.problems
    module.exit_json(
        changed=False,
        models=[as_values(plan) for plan in plans],
        problems=problems,
        table=make_table(plans),
    )


if __name__ == "__main__":
    main()
