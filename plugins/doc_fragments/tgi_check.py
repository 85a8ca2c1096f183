"""Options about models and endpoints, documented once for every module that asks them."""

from __future__ import annotations


class ModuleDocFragment:
    """``extends_documentation_fragment: [tgi_check.models, tgi_check.endpoint, tgi_check.run]``."""

    MODELS = r"""
options:
  models:
    description:
      - What must be served. Names are unique.
      - On a host of this project it is what the role C(checks) derives from C(tgi_models).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name that clients put into C(model).
        type: str
        required: true
      model_id:
        description: What C(/info) must name, such as V(meta-llama/Llama-3.1-8B-Instruct).
        type: str
        required: true
      revision:
        description: Commit that C(/info) must name if it names one.
        type: str
      aliases:
        description: Other names of the model, which C(/v1/models) must list as well.
        type: list
        elements: str
        default: []
      url:
        description: Where the model listens. Default is loopback with O(models[].port).
        type: str
      port:
        description: Port of the model on loopback; V(direct) needs it or O(models[].url).
        type: int
      engine:
        description:
          - What serves it; decides which checks apply and how they ask.
          - V(openai) is any other server that speaks OpenAI's dialect.
        type: str
        choices: [tgi, vllm, sglang, llamacpp, openai]
        default: tgi
      tokenizer:
        description:
          - SHA-256 of its token ids for a fixed text, as the check C(model.tokenizer) shows it when
            it is right. Pinned, it finds a tokenizer that another revision brought along.
        type: str
      golden:
        description:
          - SHA-256 of its greedy text for a fixed prompt, as the check C(model.golden) shows it.
            It may differ between GPU types; pin it per type of host.
        type: str
      project:
        description:
          - Its Docker Compose project, where Docker on this host may be asked whether the container
            was restarted meanwhile (V(direct)).
        type: str
      gpus:
        description: GPUs that its container was given, where O(models[].project) is known.
        type: list
        elements: str
        default: []
      options:
        description:
          - Launcher options that were declared. C(max_input_tokens) and C(max_total_tokens) are
            compared with C(/info), others are passed over.
        type: dict
        default: {}
  without_chat:
    description: Names of models without a chat template; only C(/generate) is checked.
    type: list
    elements: str
    default: []
  without_tools:
    description: Names of models whose chat template knows no tools.
    type: list
    elements: str
    default: []
"""

    ENDPOINT = r"""
options:
  url:
    description: Address of the gateway, V(https://name) with a port where it is not 443 (V(edge)).
    type: str
  connect_to:
    description:
      - Address to connect to instead of resolving the name in O(url); SNI, Host and the certificate
        check stay with the name. For a gateway that DNS does not lead to yet.
    type: str
    default: ""
  ca_file:
    description: PEM file with the only CA to accept instead of the system's.
    type: path
  api_key:
    description:
      - Key of the checks' own consumer, 8 characters or more (V(edge)). It is in nothing that is
        returned, printed or written.
    type: str
  tier:
    description:
      - Limits declared for that consumer. The checks keep within them. Without
        C(requests_per_second) the rate limit is not checked.
    type: dict
    default: {}
    suboptions:
      requests_per_second:
        description: Requests a second.
        type: float
        default: 0.0
      burst:
        description: Requests that may come at once on top.
        type: int
        default: 0
      concurrent:
        description: Generations at one time; 0 is any.
        type: int
        default: 0
  timeout:
    description: Seconds for one request, from start to end.
    type: float
    default: 30.0
  http_port:
    description: Port that redirects plain HTTP, 0 for none (V(edge)).
    type: int
    default: 80
  public_health:
    description: Whether C(/health) must answer without a key (V(edge)).
    type: bool
    default: true
  public_info:
    description: Whether C(/info) is meant to be open; if not it must be closed (V(edge)).
    type: bool
    default: false
  hsts_seconds:
    description: Least C(max-age) of Strict-Transport-Security, 0 when none is declared (V(edge)).
    type: int
    default: 0
  max_body_size:
    description: Declared limit of a request's body in bytes, 0 when none is (V(edge)).
    type: int
    default: 0
  backends:
    description: Addresses (host:port) of the engines as somebody outside would try them; each must
      be closed to where the module runs (V(edge)).
    type: list
    elements: str
    default: []
  secrets:
    description: More keys that no answer may hold (V(edge)). Never shown; what has fewer than 8
      characters is passed over.
    type: list
    elements: str
    default: []
  direct:
    description: RV(figures) of the direct view, with which the streams seen here are compared
      (V(edge)). A model without any is not compared.
    type: dict
    default: {}
  tls_warn_days:
    description: Warn when the certificate has fewer days left, fail below a third of them.
    type: int
    default: 21
"""

    RUN = r"""
options:
  checks:
    description:
      - Ids or groups of checks to run, default all.
      - A word for checks of the other view alone is skipped in this one; a word that nothing comes
        of fails, for a check that was asked for and does not run is no pass.
    type: list
    elements: str
    default: []
  target:
    description: How messages and reports call the host. Default is its own name.
    type: str
  deadline:
    description: Seconds for the whole run; what is not done by then is an error.
    type: float
    default: 300.0
  canary_passes:
    description: How many of 4 known answers must be right.
    type: int
    default: 2
  ttft_ms:
    description: Warn when the first token takes longer, in milliseconds; 0 only reports it.
    type: float
    default: 0.0
  tpot_ms:
    description:
      - Warn when a token after the first takes longer on average, in milliseconds; 0 only reports
        it.
    type: float
    default: 0.0
"""
