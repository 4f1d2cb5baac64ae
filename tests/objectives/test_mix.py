"""Every objective of the paper and mixes of them: what each row is, that nothing is lost, and that nothing leaks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.draws import Draws
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, TERM, Batch, Ints
from ptp_core.objectives.causal import clm
from ptp_core.objectives.mix import make_batch, spans_needed, targets_in
from ptp_core.objectives.span_corruption import plan
from ptp_core.spec.model import Model
from ptp_core.spec.objective import Term, terms
from ptp_core.special import MODES, SpecialTokens
from ptp_core.training.loss import prefix_mask, to_tensors
from ptp_core.training.model import new_model

TOKENS = SpecialTokens(
    pad=0, bos=1, eos=2, first_sentinel=3, sentinels=14, modes={mode: 17 + i for i, mode in enumerate(MODES)}
)
VOCABULARY, WORDS = 100, 20
LENGTH = 40
PAPER = ["clm", "plm", "sc", "sc+clm", "ul2", "ul2r", "ul2r+clm"]
OTHERS = ["sc(0.5,8)", "sc(0.15,64)", "sc(0.5,3)+plm+clm", "0.7*[s]clm+0.3*[x]sc", "[s]plm+2*plm", "ul2+clm"]
OBJECTIVES = PAPER + OTHERS

objectives = st.sampled_from(OBJECTIVES)
lengths = st.integers(8, LENGTH)
seeds = st.integers(0, 2**32 - 1)


def text(rows: int, length: int = LENGTH, seed: int = 0) -> Ints:
    return np.random.default_rng(seed).integers(WORDS, VOCABULARY, size=(rows, length + 1))


def draws(rows: int, seed: int = 0) -> Draws:
    return Draws(seed, np.arange(rows))


def batch_of(objective: str, rows: int = 24, seed: int = 0) -> Batch:
    return make_batch(objective, text(rows), draws(rows, seed), TOKENS)


def same(one: Batch, two: Batch) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))


def terms_of(objective: str, mine: Draws) -> list[Term]:
    """The term of each row, by a slow walk along the weights."""
    chosen = []
    for u in mine.uniform(TERM, 1)[:, 0]:
        parts = list(terms(objective))
        while u >= parts[0].weight and len(parts) > 1:
            u -= parts.pop(0).weight
        chosen.append(parts[0])
    return chosen


def original(term: Term, inputs: list[int], targets: list[int]) -> list[int]:
    """The text that a row was made of, put together again from its inputs and targets."""
    if term.mode:
        assert inputs.pop(0) == TOKENS.modes[term.mode]
        first = targets.pop(0)
        assert first == (inputs[0] if term.kind == "clm" else IGNORE)
    if term.kind != "sc":
        return [*inputs, targets[-1]]
    asked = [t for t, target in enumerate(targets) if target != IGNORE]
    answer = targets[asked[0] : asked[-1] + 1]
    assert answer.pop() == TOKENS.eos
    spans: dict[int, list[int]] = {}
    for token in answer:
        if token < WORDS:
            spans[token] = []
        else:
            spans[max(spans)].append(token)
    return [token for place in inputs[: asked[0] + 1] for token in spans.get(place, [place])]


@given(objectives, lengths, seeds)
def test_no_token_is_lost_and_none_is_made_up(objective: str, length: int, seed: int) -> None:
    rows, mine = text(9, length, seed), draws(9, seed)
    batch = make_batch(objective, rows, mine, TOKENS._replace(sentinels=14))
    for i, term in enumerate(terms_of(objective, mine)):
        found = original(term, batch.inputs[i].tolist(), batch.targets[i].tolist())
        room = length - bool(term.mode)
        used = plan(room, term.rate, term.span_length).raw if term.kind == "sc" else room + 1
        assert found == rows[i, :used].tolist()


@given(objectives, lengths, seeds, st.lists(st.integers(0, 2**40), min_size=1, max_size=12))
def test_targets_are_counted_without_a_look_at_the_tokens(
    objective: str, length: int, seed: int, numbers: list[int]
) -> None:
    mine = Draws(seed, np.array(numbers))
    batch = make_batch(objective, text(len(numbers), length, seed), mine, TOKENS)
    counted = targets_in(objective, mine, length, TOKENS)
    assert counted.tolist() == (batch.targets != IGNORE).sum(axis=1).tolist()
    assert (counted > 0).all()
    assert batch.inputs.shape == batch.targets.shape == (len(numbers), length)
    assert not (batch.targets == TOKENS.pad).any()
    assert not np.isin(batch.targets, list(TOKENS.modes.values())).any()


@given(objectives, seeds, st.integers(0, 12))
def test_a_row_is_the_same_in_whatever_batch_it_is_made(objective: str, seed: int, cut: int) -> None:
    rows, numbers = text(12), np.arange(100, 112)
    whole = make_batch(objective, rows, Draws(seed, numbers), TOKENS)
    parts = [
        make_batch(objective, some, Draws(seed, mine), TOKENS)
        for some, mine in zip(np.split(rows, [cut]), np.split(numbers, [cut]), strict=True)
    ]
    assert same(Batch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True))), whole)


@pytest.mark.parametrize("objective", [o for o in OBJECTIVES if o not in ("clm", "sc(0.15,64)")])
def test_another_seed_gives_another_batch(objective: str) -> None:
    assert not np.array_equal(batch_of(objective, seed=1).targets, batch_of(objective, seed=2).targets)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_terms_take_their_shares_of_the_rows(objective: str) -> None:
    n = 4000
    rows, mine = text(n), draws(n, 3)
    batch = make_batch(objective, rows, mine, TOKENS)
    chosen = terms_of(objective, mine)
    for term in terms(objective):
        taken = np.array([c == term for c in chosen])
        alone = make_batch(str(term), rows[taken], mine.take(taken), TOKENS)
        assert same(Batch(*(array[taken] for array in batch)), alone)
        assert abs(taken.sum() - n * term.weight) <= 4 * np.sqrt(n * term.weight * (1 - term.weight))


@pytest.mark.parametrize("objective", [o for o in OBJECTIVES if "sc" in o or "ul2" in o])
def test_rates_and_mean_lengths_are_those_of_each_term(objective: str) -> None:
    length = 512
    many = TOKENS._replace(first_sentinel=1000, sentinels=200)
    rows = text(300, length)
    for term in terms(objective):
        if term.kind != "sc":
            continue
        batch = make_batch(str(term), rows, draws(300), many)
        sentinels = ((batch.targets >= 1000) & (batch.targets != IGNORE)).sum(axis=1)
        hidden = ((batch.targets >= WORDS) & (batch.targets < VOCABULARY)).sum(axis=1)
        kept = plan(length - bool(term.mode), term.rate, term.span_length).raw - hidden
        assert hidden / (hidden + kept) == pytest.approx(term.rate, rel=0.02)
        # A mean length comes as near as whole spans allow.
        assert (np.abs(sentinels - hidden / term.span_length) <= 0.5).all()


def test_prefixes_of_a_mode_hold_text_as_well() -> None:
    prefix = make_batch("[s]plm", text(3000, 8), draws(3000), TOKENS).prefix
    assert np.unique(prefix).tolist() == list(range(2, 8))


@pytest.mark.parametrize("kind", ["clm", "plm", "sc"])
def test_a_mode_token_comes_first_even_before_a_bos(kind: str) -> None:
    rows = text(6)
    rows[::2, 0] = TOKENS.bos
    batch = make_batch(f"[x]{kind}", rows, draws(6), TOKENS)
    assert (batch.inputs[:, 0] == TOKENS.modes["x"]).all()
    assert (batch.inputs[:, 1] == rows[:, 0]).all()


def test_one_term_alone_is_that_objective() -> None:
    assert same(batch_of("clm", 3), clm(text(3)))


def test_too_few_sentinels_are_refused_in_a_mix_as_well() -> None:
    few = TOKENS._replace(sentinels=2)
    with pytest.raises(UserError, match=r"raise data\.tokenizer\.sentinels"):
        make_batch("clm+sc(0.5,1)", text(40), draws(40), few)
    with pytest.raises(UserError, match=r"raise data\.tokenizer\.sentinels"):
        targets_in("clm+sc(0.5,1)", draws(40), LENGTH, few)


@pytest.mark.parametrize("objective", ["[x]sc", "[x]clm", "[x]plm"])
def test_a_tokenizer_without_mode_tokens_is_refused(objective: str) -> None:
    poor = TOKENS._replace(modes={"r": 17})
    wanted = rf"no token for the mode of \[x\]{objective[3:]}; expected <mode_x>, got 'r'"
    with pytest.raises(UserError, match=wanted):
        make_batch(objective, text(2), draws(2), poor)
    with pytest.raises(UserError, match=wanted):
        targets_in(objective, draws(2), LENGTH, poor)


@given(objectives, st.integers(8, 300))
def test_so_many_sentinels_are_needed_and_not_one_fewer(objective: str, length: int) -> None:
    needed = spans_needed(objective, length)
    many = Draws(0, np.arange(200))
    targets_in(objective, many, length, TOKENS._replace(sentinels=needed))
    if needed:
        with pytest.raises(UserError, match=f"expected at least {needed}, got {needed - 1}"):
            targets_in(objective, many, length, TOKENS._replace(sentinels=needed - 1))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_position_can_learn_of_its_target_through_any_number_of_layers(objective: str) -> None:
    batch = batch_of(objective)
    mask = prefix_mask(torch.from_numpy(batch.prefix), LENGTH)
    causal = torch.ones(LENGTH, LENGTH).tril().bool()
    for i, targets in enumerate(batch.targets):
        sees = causal if mask is None else mask[i, 0]
        reach = torch.linalg.matrix_power(sees.double(), LENGTH) > 0
        asked = [t for t in range(LENGTH - 1) if targets[t] != IGNORE]
        assert asked
        # What is asked for at t is what stands at t + 1.
        assert [int(targets[t]) for t in asked] == batch.inputs[i, [t + 1 for t in asked]].tolist()
        assert not any(bool(reach[t, t + 1 :].any()) for t in asked)


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    settings = Model(width=32, layers=2, heads=2, ffn_width=64, context=LENGTH)
    return new_model(settings, VOCABULARY, seed=0).eval()


@torch.no_grad()
def logits(model: torch.nn.Module, inputs: torch.Tensor, prefix: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = model(input_ids=inputs, attention_mask=prefix_mask(prefix, LENGTH)).logits
    return result


def tensors(batch: Batch) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch._asdict().items()}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_in_a_real_model_a_changed_target_changes_no_logit_where_it_is_asked_for(
    model: torch.nn.Module, objective: str
) -> None:
    batch = tensors(batch_of(objective))
    before = logits(model, batch["inputs"], batch["prefix"])
    for t in range(LENGTH - 1):
        asked = batch["targets"][:, t] != IGNORE
        changed = batch["inputs"].clone()
        changed[:, t + 1] = torch.where(changed[:, t + 1] == WORDS, WORDS + 1, WORDS)
        after = logits(model, changed, batch["prefix"])
        assert torch.allclose(after[asked, t], before[asked, t], atol=1e-6)
        assert not torch.allclose(after[:, t + 1], before[:, t + 1], atol=1e-3)


def test_in_a_real_model_the_first_token_of_a_prefix_sees_the_last_one(model: torch.nn.Module) -> None:
    batch = tensors(batch_of("plm", 12))
    before = logits(model, batch["inputs"], batch["prefix"])
    for i, prefix in enumerate(batch["prefix"].tolist()):
        changed = batch["inputs"].clone()
        changed[i, prefix - 1] += 1 if changed[i, prefix - 1] < VOCABULARY - 1 else -1
        after = logits(model, changed, batch["prefix"])
        assert not torch.allclose(after[i, 0], before[i, 0], atol=1e-6)
        others = [k for k in range(len(changed)) if k != i]
        assert torch.equal(after[others], before[others])


def test_rows_without_a_prefix_come_without_one_so_that_attention_is_the_plain_causal_one() -> None:
    assert "prefix" not in to_tensors(batch_of("clm"))
    assert "prefix" in to_tensors(batch_of("plm"))
