"""Endings that the Hub brings about: access, names, revisions, the way to it, its cache.

The words are those of TGI's download, huggingface_hub 0.30 and transformers 4.51.
"""

from __future__ import annotations

from .causes_rule import Rule

_WAY = (
    "check DNS, proxy and firewall (huggingface.co and *.hf.co) from the host; set HTTPS_PROXY or "
    "HF_ENDPOINT in tgi_environment, or fill the cache and set HF_HUB_OFFLINE=1"
)
_FILL = (
    "download the model once with the Hub reachable (HF_HUB_OFFLINE unset), or copy its "
    "hub/models--… directory into tgi_data_dir"
)
_NO_WEIGHTS = r"No \.\w+ weights found for model \S+ and revision (\S+?)\.?(?:\s|$)"
#: Ids of causes that name a repository: an adapter's, if that was being fetched
OF_A_REPOSITORY = (
    "gated", "revision_missing", "repo_missing", "repo_disabled", "entry_missing", "bad_model_id",
    "offline", "no_weights", "not_cached",
)  # fmt: skip
#: What "no weights" means if HF_HUB_OFFLINE is known to be set
NOT_CACHED = Rule(
    "not_cached",
    _NO_WEIGHTS,
    "this revision ({0}) is not in the cache, and HF_HUB_OFFLINE forbids to fetch it",
    f"{_FILL}; or set revision to one that is in the cache (ls {{folder}}/snapshots; a file in "
    "refs/ must hold exactly the 40 characters, without a newline)",
)
HUB_RULES: tuple[Rule, ...] = (
    Rule(
        "proxy_refuses",
        r"Tunnel connection failed: ([^'\")]+)|(407 Proxy Authentication Required)",
        "the proxy does not let through to the Hub: {0}",
        "have the proxy let huggingface.co and *.hf.co pass; correct name and password in "
        "HTTPS_PROXY (# / ? % @ in them percent-encoded: # is %23)",
    ),
    Rule(
        "hub_address",
        r"(?:LocationParseError|MissingSchema|InvalidURL|InvalidProxyURL|InvalidSchema): (.+)"
        r"|(RelativeUrlWithoutBase)|(Unknown scheme for proxy URL.+)",
        "the address of the Hub or of the proxy is not valid: {0}",
        "correct HF_ENDPOINT, HTTPS_PROXY and HTTP_PROXY in tgi_environment: they begin with "
        "http:// or https://, and # / ? % @ in a password are percent-encoded (# is %23)",
    ),
    Rule(
        "hub_token",
        r"Invalid (?:credentials in Authorization header|user token)",
        "the Hub does not know the token",
        "set tgi_hf_token to a valid token: one word, without spaces or a line's end",
    ),
    Rule(
        "repo_disabled",
        r"Access to this resource is disabled",
        "the Hub has disabled this repository",
        "choose another model_id",
    ),
    Rule(
        "gated",
        r"GatedRepoError|Cannot access gated repo|Access to model .+ is restricted"
        r"|trying to access a gated repo",
        "gated repository",
        "accept the licence on the model's page on the Hub, set tgi_hf_token to a token of that "
        "account, and write hf_token: true for the model",
    ),
    Rule(
        "revision_missing",
        r"RevisionNotFoundError|Revision Not Found for url|is not a valid git identifier",
        "the revision does not exist in this repository",
        "set revision to a commit of model_id (the Hub lists them under 'History')",
    ),
    Rule(
        "repo_missing",
        r"RepositoryNotFoundError|Repository Not Found for url"
        r"|is not a local folder and is not a valid model identifier",
        "no such repository, or a private one without access (the Hub does not say which)",
        "check model_id letter by letter; if it is private, set tgi_hf_token to a token that may "
        "read it, and write hf_token: true for the model",
    ),
    Rule(
        "hub_token",
        r"in header value|401 Client Error: Unauthorized|403 Client Error: Forbidden"
        r"|401 Unauthorized|403 Forbidden",
        "the Hub, or the client's own check, refuses the token",
        "set tgi_hf_token to a valid token that may read this repository: one word, without "
        "spaces or a line's end",
    ),
    Rule(
        "bad_model_id",
        r"HFValidationError|Repo id must (?:be in the form|use alphanumeric)",
        "model_id is neither a repository nor a directory in the container",
        "write it as OWNER/NAME, or as an absolute path below /data that exists in tgi_data_dir",
    ),
    Rule(
        "offline",
        r"OfflineModeIsEnabled|offline mode is enabled|outgoing traffic has been disabled"
        r"|No local weights found for model",
        "offline, and the weights are not in the cache",
        _FILL,
    ),
    Rule(
        "no_weights",
        _NO_WEIGHTS,
        "no weights that TGI can load: the repository has none at revision {0}; or, if "
        "HF_HUB_OFFLINE is set, this revision is not in the cache, and HF_HUB_OFFLINE forbids to "
        "fetch it",
        "choose a repository with *.safetensors files; if HF_HUB_OFFLINE is set, fill the cache "
        "first (ls {folder}/snapshots shows what it has)",
    ),
    Rule(
        "hub_certificate",
        r"((?<!\[SSL: )CERTIFICATE_VERIFY_FAILED|certificate verify failed(?:[^'(\n]*\w)?"
        r"|invalid peer certificate[^\"')]*)",
        "the Hub's certificate cannot be verified: {0}",
        "put your proxy's CA certificates as a PEM file into tgi_data_dir, and set "
        "REQUESTS_CA_BUNDLE and SSL_CERT_FILE in tgi_environment to it (/data/ca.pem); or correct "
        "the host's clock",
    ),
    Rule(
        "hub_tls",
        r"SSL(?:EOF)?Error.*?\[SSL: (\w+)\]|(SSL(?:EOF)?Error)",
        "something on the way to the Hub breaks TLS: {0}",
        "have proxy and firewall let huggingface.co and *.hf.co pass untouched; HTTPS_PROXY itself "
        "begins with http:// as a rule",
    ),
    Rule(
        "hub_busy",
        r"((?:429 Client|5\d\d Server) Error: .+?)(?: for url|$)|\(((?:429|5\d\d) [A-Z][^)]*)\)",
        "the Hub cannot answer now: {0}",
        "run again later: finished files are kept; a token (tgi_hf_token) has a higher limit",
    ),
    Rule(
        "download_broken",
        r"(Consistency check failed.*|downloading using `hf_transfer`.*|IncompleteRead.*"
        r"|ChunkedEncodingError.*|416 Client Error: [^:]+(?= for)"
        r"|not available in your environment. Try `pip install hf_\w+`)",
        "a download broke off: {0}",
        "run again: finished files are kept; if it happens again delete *.incomplete in "
        "{folder}/blobs, and set HF_HUB_ENABLE_HF_TRANSFER to 0 in tgi_environment",
    ),
    Rule(
        "entry_missing",
        r"Entry Not Found for url: \S+?/resolve/[^/\s]+/(\S+?)\.?(?:\s|$)",
        "the repository has no {0} at this revision",
        "choose a repository or a revision that has it",
        ("start", "download", "load"),
    ),
    Rule(
        "hub_unreachable",
        r"We couldn't connect to '\S+' to load|specific connection error when trying to load"
        r"|Distant resource does not|error sending request|reqwest::Error",
        "the Hub cannot be reached",
        _WAY,
    ),
    Rule(
        "hub_unreachable",
        r"Temporary failure in name resolution|Name or service not known|Max retries exceeded"
        r"|Network is unreachable|trying to locate the file(?:s)? on the Hub|ProxyError"
        r"|Connection (?:timed out|refused|error|reset|aborted)|ConnectTimeout|ReadTimeout"
        r"|Read timed out|TimeoutError|All connection attempts failed",
        "the Hub cannot be reached",
        _WAY,
        ("start", "download"),
    ),
    Rule(
        "hub_unreachable",
        r"JSONDecodeError",
        "the Hub cannot be reached: something else answers with a page of its own",
        _WAY,
        ("start", "download"),
        r"huggingface_hub/|requests/models\.py",
    ),
    Rule(
        "download_broken",
        r"(Data processing error: .+)",
        "a download broke off: {0}",
        "run again: finished files are kept; if it happens again set HF_HUB_DISABLE_XET to 1 in "
        "tgi_environment",
    ),
)
