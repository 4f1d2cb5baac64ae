from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.spec.objective import normalise, terms


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
    ],
)
def test_one_objective_has_one_spelling(written: str, meant: str) -> None:
    assert normalise(written) == meant


def test_terms_carry_rate_and_span_length() -> None:
    assert terms("sc(0.5,8)+clm+sc") == (("sc", 0.5, 8.0), ("clm", 0.0, 0.0), ("sc", 0.15, 3.0))


TERM = st.one_of(
    st.sampled_from(["clm", "plm", "sc"]),
    st.builds("sc({},{})".format, st.floats(0.001, 0.999), st.floats(1, 1000)),
)


@given(st.lists(TERM, min_size=1, max_size=5).map("+".join))
def test_the_normal_spelling_says_the_same_and_is_its_own(written: str) -> None:
    spelled = normalise(written)
    assert sorted(terms(spelled)) == sorted(terms(written))
    assert normalise(spelled) == spelled


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("cml", 'did you mean "clm"?'),
        ("sc(0.5)", 'did you mean "sc"?'),
        ("sc(1.2.3,4)", "unknown objective"),
        ("sc(1e-3,4)", "unknown objective"),
        ("", "known: clm, plm, sc"),
        ("clm+", "known: clm, plm, sc"),
        ("clm(0.5,8)", '"clm" takes no parameters'),
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
