"""Document options about models and endpoints, once for all modules that use them."""

from __future__ import annotations


class ModuleDocFragment:
    """``extends_documentation_fragment: [tgi_check.models, tgi_check.endpoint, tgi_check.run]``."""

    MODELS = r"""
options:
  models:
    description:
      - Models that must be served, with unique names.
      - The role C(checks) derives them from C(tgi_models).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name that clients send as C(model).
        type: str
        required: true
      model_id:
        description: Id that C(/info) must return, such as V(meta-llama/Llama-3.1-8B-Instruct).
        type: str
        required: true
      revision:
        description: Commit that C(/info) must return, if it returns one.
        type: str
      aliases:
        description: Further names of the model, which C(/v1/models) must list as well.
        type: list
        elements: str
        default: []
      url:
        description: Address of the model. Default is loopback with O(models[].port).
        type: str
      port:
        description: Port of the model on loopback; V(direct) needs it or O(models[].url).
        type: int
      engine:
        description:
          - Engine that serves the model. It decides which checks apply and what they send.
          - V(openai) is any other server with OpenAI's API.
        type: str
        choices: [tgi, vllm, sglang, llamacpp, openai]
        default: tgi
      tokenizer:
        description:
          - SHA-256 of its token ids for a fixed text, as the check C(model.tokenizer) shows it on
            a correct deployment. When set, the check fails for another tokenizer.
        type: str
      golden:
        description:
          - SHA-256 of its greedy text for a fixed prompt, as the check C(model.golden) shows it.
            It may differ between GPU types, so pin it per type of host.
        type: str
      project:
        description:
          - Its Docker Compose project on this host. With it the checks ask Docker whether the
            container restarted meanwhile (V(direct)).
        type: str
      gpus:
        description: GPUs of its container; used together with O(models[].project).
        type: list
        elements: str
        default: []
      options:
        description:
          - Declared launcher options. The checks compare C(max_input_tokens) and
            C(max_total_tokens) with C(/info), and ignore others.
        type: dict
        default: {}
      replicas:
        {description: Hosts that serve it (V(edge)), type: list, elements: str, default: []}
      absent:
        {description: "Those that are not in this run", type: list, elements: str, default: []}
      unlike:
        description: How the declared limits of its replicas differ, in words.
        type: str
  without_chat:
    description: Names of models without a chat template; checks of chats and tools skip them.
    type: list
    elements: str
    default: []
  without_tools:
    description: Names of models whose chat template does not support tools.
    type: list
    elements: str
    default: []
"""

    ENDPOINT = r"""
options:
  url:
    description: Address of the gateway, V(https://name) with a port unless it is 443 (V(edge)).
    type: str
  connect_to:
    description:
      - Address to connect to instead of resolving the name in O(url). SNI, Host and the
        certificate check keep the name. Use it for a gateway that is not in DNS yet.
    type: str
    default: ""
  ca_file:
    description: PEM file with the only CA to accept instead of the system's.
    type: path
  client_certificate:
    description:
      - PEM file with a client certificate and its key, for a gateway that requires one from every
        client (V(edge)). It must not replace the API key there.
    type: path
  api_key:
    description:
      - Key of the checks' own consumer, 8 characters or more (V(edge)). The module masks it in
        everything it returns.
    type: str
  tier:
    description:
      - Limits declared for that consumer. The checks stay within them. Without
        C(requests_per_second) they do not check the rate limit.
    type: dict
    default: {}
    suboptions:
      requests_per_second:
        description: Requests per second.
        type: float
        default: 0.0
      burst:
        description: Extra requests allowed at once.
        type: int
        default: 0
      concurrent:
        description: Generations allowed at one time; 0 for no limit.
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
    description: Whether C(/info) is open on purpose; if V(false) it must be closed (V(edge)).
    type: bool
    default: false
  hsts_seconds:
    description: Lowest C(max-age) of Strict-Transport-Security, 0 if not declared (V(edge)).
    type: int
    default: 0
  max_body_size:
    description: Declared limit of a request's body in bytes, 0 if not declared (V(edge)).
    type: int
    default: 0
  cors_origins:
    description: Web pages that may call from a browser, as origins; any other must be refused. If
      not given, nothing is declared (V(edge)).
    type: list
    elements: str
  without_sni:
    description: Whether a handshake that names no host must be accepted (V(true)) or refused
      (V(false)). If not given, nothing is declared (V(edge)).
    type: bool
  openai_dialect:
    description: Whether the gateway translates OpenAI's dialect for engines that do not speak it.
      Without it the checks of group C(openai) are left out (V(edge)).
    type: bool
    default: false
  tool_streams:
    description: Whether streamed tool calls come whole, or as the engine writes them (V(edge)).
    type: str
    choices: [whole, live]
    default: whole
  backends:
    description: Addresses (host:port) of the engines as seen from outside. Each must be closed to
      the machine that runs the module (V(edge)).
    type: list
    elements: str
    default: []
  secrets:
    description: Further keys. The module masks them, and no answer may hold one (V(edge)). Values
      with fewer than 8 characters are ignored.
    type: list
    elements: str
    default: []
  direct:
    description: RV(figures) of the direct view, to compare with streams of this view (V(edge)). A
      model without figures is not compared.
    type: dict
    default: {}
  tls_warn_days:
    description: Warn when the certificate has fewer days left, or less than a quarter of its
      lifetime; fail below a third of that.
    type: int
    default: 21
"""

    RUN = r"""
options:
  checks:
    description:
      - Ids or groups of checks to run; default is all.
      - The module is skipped when all of them belong to the other view. It fails for a word that
        selects no check here, because a selected check that does not run must not pass.
    type: list
    elements: str
    default: []
  accepted:
    description:
      - Known failures. The check still runs; its failure has the status C(accepted) and does not
        fail the run, and neither do its consequences. If it passes, or after the last day, there
        is a warning instead. Entries for other models or the other view do nothing.
      - Not for C(auth.*), C(tls.*) and C(selftest), and not for C(health.status), C(health.after),
        C(generate.basic) and C(chat.basic), without which nothing is proven.
    type: list
    elements: dict
    default: []
    suboptions:
      check:
        description: Id of the check.
        type: str
        required: true
      model:
        description: Name of the model. Without it the entry is for all models.
        type: str
      reason:
        description: Why it fails.
        type: str
        required: true
      until:
        description: The last day, V(YYYY-MM-DD).
        type: str
        required: true
  target:
    description: Name of the host in messages and reports. Default is its own name.
    type: str
  deadline:
    description: Seconds for the whole run; a check that is not finished by then is an error.
    type: float
    default: 300.0
  canary_passes:
    description: How many of 4 known answers must be correct.
    type: int
    default: 2
  ttft_ms:
    description: Warn when the first token takes longer, in milliseconds; 0 only reports it.
    type: float
    default: 0.0
  tpot_ms:
    description:
      - Warn when the average token after the first takes longer, in milliseconds; 0 only reports
        it.
    type: float
    default: 0.0
"""
