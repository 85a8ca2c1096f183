"""Find changes that make a model fit, the least harmful first. Each one is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .fit import UNFAVOURABLE, Fit, fit, prefill_of
from .quantization import fp8_cache, works
from .workload import Case, MemoryOptions, attention_of, shard_choices

# Fewer tokens are not enough for a conversation
_LEAST_TOKENS = 512
_EIGHT_BITS = ("eetq", "fp8")
_FOUR_BITS = "bitsandbytes-nf4"
#: From a case to better ones, the best first
Step = Callable[[Case], Iterator[Case]]


class Advice(NamedTuple):
    """``set`` are launcher options of the entry in tgi_models; {} for a smaller model."""

    set: dict[str, int | str]
    #: The result, such as "28517 tokens of KV cache"
    result: str


def written(advice: Advice) -> str:
    """Return the advice as it is written in tgi_models."""
    return " and ".join(f"{name}: {value}" for name, value in advice.set.items())


def sentence(advice: Advice) -> str:
    """Return the advice as a sentence without its subject."""
    if not advice.set:
        return f"has room for {advice.result}"
    return f"fits with {written(advice)} ({advice.result})"


def advise(case: Case, gpus: int) -> list[Advice]:
    """Return changes that make the model fit; ``gpus`` is the number of cards it could have.

    Each change is tried alone; if none is enough, they are added up until they are. The last
    advice is the size of a model that would fit. All advice fits by the unfavourable
    assumption too; the numbers of tokens are the expected ones.
    """
    shard = _shard(gpus)
    kinds = [_quantize(kind) for kind in (*_EIGHT_BITS, _FOUR_BITS)]
    found = [_alone(step, case) for step in (shard, _prefill, _context, _cache)]
    # Fewer bits may lower the answers' quality, more GPUs do not: four bits come last
    spread = case if found[0] else next(shard(case), case)
    found += [_alone(step, case) or _alone(step, spread) for step in kinds]
    found_advice = [_advice_of(case, better) for better in found if better is not None]
    if not found_advice:
        found_advice = list(_together(case, (shard, _cache, kinds[0], kinds[-1])))
    return [*found_advice, *_smaller(case)]


def _alone(step: Step, case: Case) -> Case | None:
    return next((better for better in step(case) if _fits(better)), None)


def _fits(case: Case) -> bool:
    found = fit(case, UNFAVOURABLE)
    return found is not None and not found.phase


def _advice_of(case: Case, better: Case) -> Advice:
    found = fit(better)
    changed: dict[str, int | str] = {
        name: new
        for name, old, new in zip(MemoryOptions._fields, case.options, better.options)
        if new != old and isinstance(new, (int, str))
    }
    return Advice(changed, _result(found) if found else "")


def _result(found: Fit) -> str:
    return f"{found.kv_tokens} tokens of KV cache, max_total_tokens {found.max_total_tokens}"


def _with(case: Case, **options: int | str | None) -> Case:
    return case._replace(options=case.options._replace(**options))  # type: ignore[arg-type]


def _shard(gpus: int) -> Step:
    def step(case: Case) -> Iterator[Case]:
        choices = shard_choices(case.dims, case.options.quantize, gpus)
        more = [_with(case, num_shard=count) for count in choices if count > case.options.num_shard]
        enough = [better for better in more if _fits(better)]
        # The fewest that are enough; or as many as there are, for the steps that follow
        yield from enough[:1] or more[-1:]

    return step


def _prefill(case: Case) -> Iterator[Case]:
    """Shorten the prefill, which only makes long prompts wait: TGI cuts them into chunks."""
    most = prefill_of(case).tokens
    tokens = _largest(most, lambda count: _with(case, max_batch_prefill_tokens=count))
    if tokens and tokens < most:
        yield _with(case, max_batch_prefill_tokens=tokens)


def _context(case: Case) -> Iterator[Case]:
    requested = case.options.max_total_tokens
    if requested is None:
        return
    tokens = _largest(requested, lambda count: _shorter(case, count))
    if tokens and tokens < requested:
        yield _shorter(case, tokens)


def _shorter(case: Case, total: int) -> Case:
    """Lower max_total_tokens; answers keep their length up to a quarter of it."""
    options = case.options
    prompt = options.max_input_tokens or total - 1
    answer = max((options.max_total_tokens or total) - prompt, 1)
    prompt = min(prompt, total - min(answer, max(total // 4, 1)))
    return _with(case, max_total_tokens=total, max_input_tokens=max(prompt, 1))


def _cache(case: Case) -> Iterator[Case]:
    free = case.options.kv_cache_dtype is None and attention_of(case) == "flashinfer"
    if free and fp8_cache(case.card.compute_cap):
        # Unlike e4m3 it has the range of 16 bits, so it needs no scales
        yield _with(case, kv_cache_dtype="fp8_e5m2")


def _quantize(kind: str) -> Step:
    def step(case: Case) -> Iterator[Case]:
        free = case.options.quantize in (None, *_EIGHT_BITS) and case.dims.checkpoint is None
        if (
            free
            and case.options.quantize != kind
            and works(kind, case.card.compute_cap) is not False
        ):
            yield _with(case, quantize=kind)

    return step


def _together(case: Case, steps: tuple[Step, ...]) -> Iterator[Advice]:
    """Add up the steps, and after each try the changes that only cost time or length."""
    better = case
    for step in steps:
        better = next(step(better), better)
        brief = _with(better, max_batch_prefill_tokens=min(prefill_of(better).tokens, 2048))
        for last in (better, *_prefill(better), *_context(better), *_context(brief)):
            if _fits(last):
                yield _advice_of(case, last)
                return


def _largest(most: int, make: Callable[[int], Case]) -> int | None:
    """Return the largest number from _LEAST_TOKENS to ``most`` that fits, or None."""
    low, high = min(_LEAST_TOKENS, most), most
    if low < 1 or not _fits(make(low)):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(make(middle)) else (low, middle - 1)
    return low


def _smaller(case: Case) -> Iterator[Advice]:
    """Compute how many bytes of weights would fit with the same cache and prefill."""
    dims = case.dims._replace(model_type="", vocab_size=None)

    def made(mib: int) -> Case:
        return case._replace(dims=dims, file_bytes=mib * 2**20)

    low, high = 1, (case.card.memory_mib or 0) * case.options.num_shard
    if dims.checkpoint or case.options.quantize or not _fits(made(low)):
        return
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(made(middle)) else (low, middle - 1)
    billions = low * 2**20 / dims.dtype_bytes / 1e9
    yield Advice({}, f"a model of at most {low / 1024:.1f} GiB ({billions:.1f} billion weights)")
