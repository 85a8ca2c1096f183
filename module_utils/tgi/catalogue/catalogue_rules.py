"""Check what the catalogue says of the models, and say what TGI will do with their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import UNKNOWN, closest, problem, shown
from .entries import CatalogueEntry, entry_problem, find_entry, read_catalogue
from .expand import entry_of, is_from_hub

_LIST = "playbooks/models.yml lists all"
#: TGI takes them, and ignores them while it cuts prompts into chunks: name -> what to write
_IGNORED = {
    "max_batch_total_tokens": "delete it: TGI measures what fits. A request's limit is "
    "max_total_tokens",
    "max_waiting_tokens": "delete it, or write profile: latency or throughput",
    "waiting_served_ratio": "delete it, or write profile: latency or throughput",
}
#: Quantisations of models that TGI serves through transformers
_OF_TRANSFORMERS = ("bitsandbytes", "bitsandbytes-nf4", "bitsandbytes-fp4")


def check_catalogue(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of tgi_catalogue, and those of tgi_models that the catalogue knows."""
    site = values.get("tgi_catalogue")
    for name, fields in site.items() if isinstance(site, Mapping) else ():
        if wrong := "" if fields is UNKNOWN else entry_problem(name, fields):
            remedy = "write an entry as in module_utils/tgi/catalogue/models.yml"
            yield problem(f"tgi_catalogue.{name}", f"is no entry ({wrong})", remedy)
    for where, model, entry, entries in _models(values):
        if entry is None:
            yield from _check_unknown(model, where, entries)
        else:
            yield from _check_entry(model, where, entry)


def catalogue_notes(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each model that TGI serves otherwise than its entry may suggest."""
    common = values.get("tgi_environment")
    for where, model, entry, _ in _models(values):
        if entry and entry.fields["tgi"]["level"] == "transformers":
            what = f"is {entry.id}, which TGI serves by transformers, without kernels of its own"
            yield problem(where, what, "expect it to be slower than others of its size")
        own = model.get("environment")
        environment = {**_mapping(common), **_mapping(own)}
        chunks = str(environment.get("PREFILL_CHUNKING", "1")).lower() in ("1", "true")
        if model.get("gpus") == [] or not chunks:
            continue
        for name, remedy in _IGNORED.items():
            if model.get(name) is not None:
                what = "is set, but TGI 3 ignores it while it cuts prompts into chunks"
                yield problem(f"{where}.{name}", what, remedy)


def _models(
    values: Mapping[str, Any],
) -> Iterator[tuple[str, Mapping[Any, Any], CatalogueEntry | None, list[CatalogueEntry]]]:
    models = values.get("tgi_models")
    entries = read_catalogue(values.get("tgi_catalogue"))
    for place, model in enumerate(models if isinstance(models, list) else ()):
        if isinstance(model, Mapping):
            yield f"tgi_models[{place}]", model, entry_of(model, entries), entries


def _check_unknown(
    model: Mapping[Any, Any], where: str, entries: list[CatalogueEntry]
) -> Iterator[str]:
    key = next((key for key in ("model", "model_id", "name") if model.get(key)), "")
    if key in ("", "model_id") or model[key] is UNKNOWN:
        return
    word = str(model[key])
    near = closest(word.lower(), sorted({word for entry in entries for word in entry.words}))
    entry = find_entry(near, entries)
    meant = f"{entry.name}, if you mean {entry.id}" if entry else f"one of the catalogue ({_LIST})"
    if key == "model":
        yield problem(f"{where}.model", f"is {shown(word)}, not in the catalogue", f"write {meant}")
        return
    remedy = f"write model_id and revision, or model: {meant}"
    what = f"is missing, and the catalogue has no {shown(word)}"
    yield problem(f"{where}.model_id", what, remedy)


def _check_entry(model: Mapping[Any, Any], where: str, entry: CatalogueEntry) -> Iterator[str]:
    support, quantize = entry.fields["tgi"], model.get("quantize")
    if support["level"] == "refused":
        note = str(entry.fields.get("note") or "").rstrip(".")
        why = f" ({note})" if note else ""
        what = f"is {entry.id}, which TGI cannot serve{why}"
        yield problem(where, what, f"choose another model; {_LIST}")
        return
    if support["level"] == "transformers" and quantize and quantize not in _OF_TRANSFORMERS:
        what = f"is {shown(quantize)}, but TGI serves {entry.id} by transformers"
        remedy = "write bitsandbytes, bitsandbytes-nf4 or bitsandbytes-fp4, or delete it"
        yield problem(f"{where}.quantize", what, remedy)
    if support.get("remote_code") and model.get("trust_remote_code") is not True:
        what = f"is not true, but {entry.id} runs Python code of its repository"
        remedy = "read that code, then write trust_remote_code: true, or choose another model"
        yield problem(f"{where}.trust_remote_code", what, remedy)
    pickle = entry.fields["weights"]["format"] == "pickle" and is_from_hub(model, entry)
    if pickle and model.get("accept_pickle") is not True:
        what = f"is not true, but the weights of {entry.id} are pickles, which can run code"
        remedy = "write accept_pickle: true if you trust them, or choose another model"
        yield problem(f"{where}.accept_pickle", what, remedy)


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
