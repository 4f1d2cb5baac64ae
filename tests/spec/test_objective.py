"""The grammar of objectives: one spelling for one meaning, and refusals that help."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.spec.objective import FAMILIES, Term, normalise, terms

UL2 = "[r]sc + [r]sc(.15,8) + [s]plm + [x]sc(.5,3) + [x]sc(.5,8) + [x]sc(.15,64) + [x]sc(.5,64)"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("clm", "clm"),
        ("CLM", "clm"),
        ("clm + sc", "sc+clm"),
        ("sc+clm", "sc+clm"),
        ("sc(0.15,3)", "sc"),
        ("SC(0.15, 3.0) + plm", "sc+plm"),
        ("sc(0.5,8.0)", "sc(0.5,8)"),
        ("sc(.5,8)", "sc(0.5,8)"),
        ("sc(0.1234567,3)", "sc(0.1234567,3)"),
        ("sc+clm+sc(0.5,8)", "sc(0.5,8)+sc+clm"),
        ("clm+clm", "clm"),
        ("sc+clm+sc", "2*sc+clm"),
        ("0.7*clm+0.3*sc", "3*sc+7*clm"),
        ("70 * CLM + 30 * SC(.15,3)", "3*sc+7*clm"),
        (".5*clm+.5*plm", "plm+clm"),
        ("3*clm", "clm"),
        ("[X] sc(0.5, 3)", "[x]sc(0.5,3)"),
        ("[s]plm+plm", "plm+[s]plm"),
        ("UL2", "ul2"),
        (UL2, "ul2"),
        ("clm+" + UL2, "ul2+clm"),
        ("clm+2*ul2", "2*ul2+clm"),
        ("plm+sc(.5,32)+sc", "ul2r"),
        ("clm+UL2R", "ul2r+clm"),
        ("ul2+ul2r", "ul2r+ul2"),
    ],
)
def test_one_objective_has_one_spelling(written: str, meant: str) -> None:
    assert normalise(written) == meant


def test_a_family_whose_terms_are_not_equally_likely_is_spelled_out() -> None:
    assert normalise("ul2r+sc") == "sc(0.5,32)+2*sc+plm"


def test_terms_carry_rate_span_length_mode_and_probability() -> None:
    assert terms("sc(0.5,8)+clm+2*[r]sc") == (
        Term("sc", 0.5, 8.0, "", 0.25),
        Term("clm", 0.0, 0.0, "", 0.25),
        Term("sc", 0.15, 3.0, "r", 0.5),
    )
    assert [str(term) for term in terms("sc(0.5,8)+clm+2*[r]sc")] == ["sc(0.5,8)", "clm", "[r]sc"]


def shares(objective: str) -> dict[tuple[Any, ...], float]:
    return {term[:4]: term.weight for term in terms(objective)}


def test_the_families_are_those_of_the_papers() -> None:
    x, settings = "x", [(0.5, 3), (0.5, 8), (0.15, 64), (0.5, 64)]
    extreme = [("sc", rate, length, x) for rate, length in settings]
    ul2 = [("sc", 0.15, 3, "r"), ("sc", 0.15, 8, "r"), ("plm", 0, 0, "s"), *extreme]
    assert shares("ul2") == dict.fromkeys(ul2, pytest.approx(1 / 7))
    assert shares("ul2r") == dict.fromkeys(
        [("sc", 0.15, 3, ""), ("sc", 0.5, 32, ""), ("plm", 0, 0, "")], pytest.approx(1 / 3)
    )


def test_a_term_beside_a_family_is_as_likely_as_each_of_its_terms() -> None:
    assert set(shares("ul2r+clm").values()) == {0.25}
    assert set(shares("ul2+clm").values()) == {0.125}


def test_a_weight_on_a_family_is_that_of_each_of_its_terms() -> None:
    found = shares("2*ul2r+clm")
    assert found["clm", 0, 0, ""] == pytest.approx(1 / 7)
    assert found["plm", 0, 0, ""] == pytest.approx(2 / 7)


TERM = st.one_of(
    st.sampled_from(["clm", "plm", "sc"]),
    st.builds("sc({},{})".format, st.floats(0.001, 0.999), st.floats(1, 1000)),
)
MODED = st.builds("{}{}".format, st.sampled_from(["", "", "[r]", "[s]", "[x]"]), TERM)
WEIGHT = st.one_of(st.just(""), st.builds("{}*".format, st.decimals("0.01", 100, places=3)))
PART = st.builds("{}{}".format, WEIGHT, st.one_of(MODED, st.sampled_from(list(FAMILIES))))
WRITTEN = st.lists(PART, min_size=1, max_size=5)


@given(WRITTEN)
def test_the_normal_spelling_says_the_same_and_is_its_own(parts: list[str]) -> None:
    spelled = normalise("+".join(parts))
    found, meant = shares(spelled), shares("+".join(parts))
    assert found == pytest.approx(meant, rel=1e-12)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    assert normalise(spelled) == spelled


@given(WRITTEN, st.randoms(use_true_random=False), st.integers(2, 9))
def test_order_case_spaces_and_scale_do_not_matter(parts: list[str], rng: Any, scale: int) -> None:
    shuffled = rng.sample(parts, len(parts))
    assert normalise(" + ".join(shuffled).upper()) == normalise("+".join(parts))
    assert normalise("+".join(parts * scale)) == normalise("+".join(parts))


@given(WRITTEN, WRITTEN)
def test_different_shares_have_different_spellings(one: list[str], two: list[str]) -> None:
    same = shares("+".join(one)) == pytest.approx(shares("+".join(two)), rel=1e-9)
    assert (normalise("+".join(one)) == normalise("+".join(two))) == same


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("cml", 'did you mean "clm"?'),
        ("ul2rr", 'did you mean "ul2r"?'),
        ("sc(0.5)", 'did you mean "sc"?'),
        ("0.5*[r]cml", 'did you mean "clm"?'),
        ("sc(1.2.3,4)", "unknown objective"),
        ("sc(1e-3,4)", "unknown objective"),
        ("1/2*clm", "unknown objective"),
        ("-1*clm", "unknown objective"),
        ("9" * 400 + "*clm", "unknown objective"),
        ("", "known: clm, plm, sc, ul2, ul2r"),
        ("clm+", "known: clm, plm, sc, ul2, ul2r"),
        ("clm(0.5,8)", '"clm" takes no parameters'),
        ("ul2(0.5,8)", '"ul2" takes no parameters'),
        ("0*clm", "the weight of '0*clm' is 0; leave the term out"),
        ("[q]sc", "unknown mode 'q'; known: r, s, x"),
        ("[]sc", "unknown mode ''; known: r, s, x"),
        ("[r]ul2", 'a mode token belongs to a single term, and "ul2" has several'),
        ("sc(0,3)", "between 0.001 and 0.999"),
        ("sc(1,3)", "between 0.001 and 0.999"),
        ("sc(0.5,0.5)", "between 1 and 1000"),
        ("sc(0.5," + "9" * 400 + ")", "between 1 and 1000"),
    ],
)
def test_anything_else_is_refused(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        normalise(written)
    assert words in str(caught.value)
