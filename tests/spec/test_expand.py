from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ptp_core.spec import expand
from ptp_core.spec.fields import NAME_PATTERN
from ptp_core.spec.loaded import LoadedStudy
from tests.spec.texts import GRID_END, SPEC, after, edited

Load = Callable[[str], LoadedStudy]
Complaint = Callable[[str], str]


def names(study: LoadedStudy) -> list[str]:
    return [variant.name for variant in study.variants]


class TestTheGrid:
    def test_every_combination_is_a_variant_with_the_last_key_fastest(self, load: Load) -> None:
        assert names(load(SPEC)) == ["clm-even", "clm-most", "sc-even", "sc-most"]

    def test_a_variant_has_its_cell_the_defaults_and_the_seed_of_the_study(self, load: Load) -> None:
        recipe = load(SPEC).variants[2].recipe
        assert (recipe.objective, recipe.mixture, recipe.tokens, recipe.seed) == ("sc", "even", 1_000_000, 7)

    def test_true_is_a_value_where_a_truth_value_is_meant_and_only_there(
        self, load: Load, complaint: Complaint
    ) -> None:
        study = load(after(GRID_END, "    tags: [true, false]"))
        assert [variant.recipe.tags for variant in study.variants[:2]] == [True, False]
        assert names(study)[:2] == ["clm-even-tags", "clm-even-no-tags"]
        assert "a number is wanted here, not a truth value" in complaint(after(GRID_END, "    lr: [on]"))

    def test_a_key_with_one_value_is_no_part_of_the_names(self, load: Load) -> None:
        assert names(load(after(GRID_END, "    lr: [1e-3]")))[0] == "clm-even"

    def test_names_tell_what_varies(self, load: Load) -> None:
        spec = after(GRID_END, "    lr: [1e-3, 3e-5]", "    batch_tokens: [2048, 512k]", "    seed: [1, 2000]")
        first, *_, last = names(load(edited(("[clm, sc]", '[clm, "sc(0.5,8)"]'), text=spec)))
        assert first == "clm-even-lr0.001-batch2048-seed1"
        assert last == "sc0.5x8-most-lr3e-05-batch512k-seed2000"

    def test_values_that_differ_late_have_names_that_differ(self, load: Load) -> None:
        assert len(set(names(load(after(GRID_END, "    lr: [0.0012345678, 0.00123456789]"))))) == 8

    def test_names_of_many_keys_are_cut_but_differ(self, load: Load) -> None:
        keys = ("weight_decay", "clip", "beta1", "beta2", "warmup_share", "final_lr_share")
        study = load(after(GRID_END, *(f"    {key}: [0.125, 0.375]" for key in keys)))
        assert len(set(names(study))) == 4 * 2**6
        assert all(re.fullmatch(NAME_PATTERN, name) for name in names(study))

    def test_an_exclude_takes_out_what_it_matches(self, load: Load) -> None:
        assert names(load(after(GRID_END, "    lr: [1, 2]", "  exclude: [{objective: CLM, lr: 1.0}]"))) == [
            "clm-even-lr2", "clm-most-lr2", "sc-even-lr1", "sc-even-lr2", "sc-most-lr1", "sc-most-lr2",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (("[clm, sc]", "[]"), "11 pretrain.grid.objective: the list is empty, so the grid has no variants"),
            (("[clm, sc]", "clm"), "11 pretrain.grid.objective: expected a list, got 'clm'"),
            (("[clm, sc]", "[null]"), "11 pretrain.grid.objective[0]: nothing is written here; expected text"),
            (("[clm, sc]", "[clm, sc, CLM]"), "11 pretrain.grid.objective[2]: this value is listed twice; got 'CLM'"),
            (
                ("[even, most]", "[even, mots]"),
                '12 pretrain.grid.mixture: unknown mixture "mots"; did you mean "most"?',
            ),
            (("[clm, sc]", "[clm, 5]"), "11 pretrain.grid.objective[1]: expected text, got 5"),
            (("tokens: 1M", "tokens: on"), "9 pretrain.defaults.tokens: a number is wanted here, not a truth value"),
            (("objective: [", "objectiv: ["), '11 pretrain.grid.objectiv: unknown key; did you mean "objective"?'),
            (("tokens: 1M", "tokens: 1M, clip: .inf"), "9 pretrain.defaults.clip: expected a finite number, got inf"),
            (("{tokens: 1M}", "{}"), "10 pretrain.grid.tokens: this key is needed"),
        ],
    )
    def test_a_mistake_is_said_once(self, complaint: Complaint, edit: tuple[str, str], message: str) -> None:
        found = complaint(edited(edit))
        assert found.startswith(message)
        assert "\n" not in found

    def test_a_null_seed_is_the_seed_of_the_study(self, load: Load) -> None:
        assert load(edited(("{tokens: 1M}", "{tokens: 1M, seed: null}"))).variants == load(SPEC).variants

    def test_an_exclude_that_matches_nothing_is_a_mistake(self, complaint: Complaint) -> None:
        found = complaint(after(GRID_END, "  exclude: [{objective: clm}, {objective: plm}]"))
        assert found == "13 pretrain.exclude[1]: matches no combination of the grid; got {'objective': 'plm'}"

    def test_a_grid_beyond_the_limit_is_not_built(self, complaint: Complaint) -> None:
        many = [str(i) for i in range(1, 401)]
        axes = f"    seed: [{', '.join(many)}]", f"    clip: [{', '.join(many)}]"
        found = complaint(after(GRID_END, *axes))
        assert found == f"10 pretrain.grid: the grid has 640,000 combinations; the limit is {expand.MAX_VARIANTS:,}"


class TestIncluded:
    def test_single_variants_follow_the_grid(self, load: Load) -> None:
        include = ["  include:", "    - {name: hot, mixture: even, lr: 0.01}", "    - {objective: plm, mixture: most}"]
        study = load(after(GRID_END, *include))
        assert names(study)[4:] == ["hot", "plm-most"]
        assert (study.variants[4].recipe.lr, study.variants[4].recipe.tokens) == (0.01, 1_000_000)

    def test_a_study_may_list_all_its_variants(self, load: Load) -> None:
        listed = "  include: [{seed: 1}, {seed: 2}, {seed: 3}, {name: last, seed: 4}]"
        spec = edited(("  grid:\n    objective: [clm, sc]\n    mixture: [even, most]", listed),
                      ("tokens: 1M", "tokens: 1M, mixture: even"))  # fmt: skip
        assert names(load(spec)) == ["seed1", "seed2", "seed3", "last"]

    @pytest.mark.parametrize(
        "name", ["a/b", "..", ".hidden", "a b", "a;rm", "$x", "-n", "'a\\nb'", '"a\\nb"', "é", "''"]
    )
    def test_a_name_is_a_safe_file_name(self, complaint: Complaint, name: str) -> None:
        found = complaint(after(GRID_END, f"  include: [{{name: {name}, mixture: even, lr: 1}}]"))
        assert found.startswith(
            "13 pretrain.include[0].name: expected a name of at most 80 letters, digits and _ . + -"
        )

    @pytest.mark.parametrize("name", ["clm-even", "CLM-Even"])
    def test_two_variants_may_not_share_a_name_even_in_another_case(self, complaint: Complaint, name: str) -> None:
        found = complaint(after(GRID_END, f"  include: [{{name: {name}, mixture: even, lr: 1}}]"))
        assert found == f'13 pretrain.include[0]: two variants are called "{name}"; give one of them a `name`'

    def test_two_names_for_one_recipe_are_a_mistake(self, complaint: Complaint) -> None:
        found = complaint(after(GRID_END, "  include: [{name: x, objective: 'sc(0.15,3)', mixture: even, seed: 7}]"))
        assert found == '13 pretrain.include[0]: variants "sc-even" and "x" have the same recipe; remove one'

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("{name: 5, lr: 1}", "13 pretrain.include[0].name: expected text, got 5"),
            ("{lrr: 1}", '13 pretrain.include[0].lrr: unknown key; did you mean "lr"?'),
            ("{lr: 11}", "13 pretrain.include[0].lr: expected a number less than 10, got 11"),
            ("5", "13 pretrain.include[0]: expected keys and values, got 5"),
            ("{mixture: evn, lr: 1}", '13 pretrain.include[0].mixture: unknown mixture "evn"; did you mean "even"?'),
        ],
    )
    def test_a_mistake_names_its_entry(self, complaint: Complaint, entry: str, message: str) -> None:
        assert complaint(after(GRID_END, f"  include: [{entry}]")) == message

    def test_no_variant_at_all_is_a_mistake(self, complaint: Complaint) -> None:
        assert "there are no variants" in complaint(after(GRID_END, "  exclude: [{}]"))

    def test_a_thousand_mistakes_are_counted_not_listed(self, complaint: Complaint) -> None:
        entries = "".join(f"    - {{lrr: {i}}}\n" for i in range(1000))
        found = complaint(after(GRID_END, "  include:", entries)).splitlines()
        assert (len(found), found[-1]) == (21, "… and 980 more")
