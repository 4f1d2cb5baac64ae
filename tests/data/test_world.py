"""The embedded world: the same seed gives the same text, no test answer leaks, and every word is in the vocabulary."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest
from pydantic import ValidationError

from ptp_core.data.items import Item, completion, prompt
from ptp_core.data.world import DOMAINS, FAMILIES, documents, items, vocabulary
from ptp_core.data.world import prompt as world_prompt
from ptp_core.data.world.facts import population, statement
from ptp_core.data.world.stories import of_split
from ptp_core.errors import UserError
from ptp_core.spec.world import World

WORLD = World()
SPLITS = ("train", "test")
QUESTION = "question :"


def text(domain: str, world: World = WORLD, split: str = "train", n_words: int = 200_000) -> str:
    return "\n".join(documents(world, domain, split=split, n_words=n_words))


def digest(world: World) -> str:
    made = [text(domain, world, n_words=5000) for domain in DOMAINS]
    made += [json.dumps(items(world, family, split), sort_keys=True) for family in FAMILIES for split in SPLITS]
    return hashlib.sha256("\n".join(made).encode()).hexdigest()


def strangers_in(item: dict[str, object]) -> set[str]:
    """The two-word names in a passage: what stands in front of ``has`` (… ``. doctor vale has pet cat`` …)."""
    tokens = str(item["context"]).split()
    return {" ".join(tokens[i - 2 : i]) for i, token in enumerate(tokens) if token == "has"}


def test_a_seed_always_gives_the_same_world() -> None:
    assert digest(WORLD) == "3f68cce4c4858c4c0a190b05d943cdd9d7e8bdf4f8b48c5c282957a646c7448f"


def test_another_seed_gives_another_world() -> None:
    other = World(seed=1)
    for domain in DOMAINS:
        assert text(domain, other, n_words=2000) != text(domain, n_words=2000)
    for family in FAMILIES:
        assert items(other, family, "test") != items(WORLD, family, "test")


def test_less_text_is_the_beginning_of_more() -> None:
    for domain in DOMAINS:
        less, more = (list(documents(WORLD, domain, n_words=n)) for n in (1000, 3000))
        assert more[: len(less)] == less


def test_a_domain_holds_the_asked_number_of_words_and_hardly_repeats_a_document() -> None:
    for domain in DOMAINS:
        made = list(documents(World(words=100_000), domain))
        count = sum(len(document.split()) for document in made)
        assert 100_000 <= count < 100_200
        assert len(set(made)) > 0.95 * len(made), domain


def test_held_out_documents_are_others() -> None:
    for domain in DOMAINS:
        seen = set(documents(WORLD, domain))
        held_out = list(documents(WORLD, domain, split="heldout", n_words=20_000))
        assert sum(document in seen for document in held_out) < 0.12 * len(held_out), domain


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_word_is_in_the_vocabulary(seed: int) -> None:
    world = World(seed=seed)
    known = set(vocabulary(world))
    for domain in DOMAINS:
        assert set(text(domain, world).split()) <= known
    for family in FAMILIES:
        for record in (record for split in SPLITS for record in items(world, family, split)):
            item = Item.model_validate(record)
            assert prompt(item) == world_prompt(record)
            written = " ".join([prompt(item), completion(item), *item.answers, *(item.choices or [])])
            assert set(written.split()) <= known


def test_every_word_of_the_vocabulary_is_learned_in_pre_training() -> None:
    seen = {word for domain in DOMAINS for word in text(domain).split()}
    assert not set(vocabulary(WORLD)) - seen


def test_the_vocabulary_has_no_repeats_and_about_300_words() -> None:
    words = vocabulary(WORLD)
    assert len(words) == len(set(words))
    assert 250 < len(words) < 320


def test_roles_do_not_share_words() -> None:
    from ptp_core.data.world import words

    values = [value for _, options in words.ATTRIBUTES.values() for value in options]
    roles = [*words.NAMES, *words.TITLES, *words.SURNAMES, *values, *words.OBJECTS, *words.PLACES, *words.TOOLS]
    assert len(roles) == len(set(roles))


def test_people_asked_about_in_training_are_not_tested() -> None:
    people = population(WORLD)
    assert not set(people.train) & set(people.test)
    for split, own in (("train", people.train), ("test", people.test)):
        for item in items(WORLD, "cbqa", split):
            assert sum(name in item["question"].split() for name in own) == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_every_tested_fact_is_told_in_the_domain_facts(seed: int) -> None:
    world = World(seed=seed)
    people, told = population(world), text("facts", world, n_words=400_000)
    for name in people.test:
        for key, value in people.facts[name].items():
            assert any(statement(name, key, value, form) in told for form in range(3))


def test_pre_training_never_asks_a_tested_question() -> None:
    for family, domain in (("cbqa", "facts"), ("cms", "stories"), ("rag", "reading")):
        asked = {line for line in text(domain).splitlines() if line.startswith(QUESTION)}
        assert asked
        tested = {f"{QUESTION} {item['question']}" for item in items(WORLD, family, "test")}
        assert not asked & tested, family


def test_customs_asked_about_in_training_are_not_tested() -> None:
    train, test = ({(c.verb, c.thing) for c in of_split(WORLD, split)} for split in SPLITS)
    assert not train & test
    asked, tested = ({item["question"] for item in items(WORLD, "cms", split)} for split in SPLITS)
    assert not asked & tested


def test_strangers_of_items_never_occur_in_pre_training_text() -> None:
    everything = " ".join(" ".join(text(domain, n_words=300_000).split()) for domain in DOMAINS)
    train, test = (set().union(*(strangers_in(item) for item in items(WORLD, "rag", split))) for split in SPLITS)
    assert min(len(train), len(test)) > 20
    assert not train & test
    assert not [name for name in train | test if f" {name} " in everything]


def test_the_words_of_strangers_do_occur_in_pre_training_text() -> None:
    seen = set(text("reading").split())
    for item in items(WORLD, "rag", "test"):
        assert set(item["context"].split()) <= seen


def test_the_answer_is_in_the_passage_and_once_only() -> None:
    for split in SPLITS:
        for item in items(WORLD, "rag", split):
            assert item["context"].split().count(item["answers"][0]) == 1


def test_the_passage_does_not_give_the_place_of_the_answer_away() -> None:
    pairs = [item for item in items(WORLD, "rag", "test") if len(strangers_in(item)) == 2]
    first = [item["question"].split()[-2] in item["context"].split()[:2] for item in pairs]
    assert 0.3 < sum(first) / len(first) < 0.7


def test_choices_hold_the_answer_at_its_index_and_nothing_twice() -> None:
    for item in items(WORLD, "cms", "test"):
        assert item["choices"][item["answer_idx"]] == item["answers"][0]
        assert len(set(item["choices"])) == len(item["choices"]) == 4


def test_the_index_of_the_answer_is_balanced() -> None:
    counts = Counter(item["answer_idx"] for item in items(WORLD, "cms", "test"))
    assert set(counts.values()) == {WORLD.test_items // 4}


def test_counting_words_over_the_choices_does_not_find_the_answer() -> None:
    for item in items(WORLD, "cms", "test"):
        counts = Counter(word for choice in item["choices"] for word in choice.split())
        weights = {sum(counts[word] for word in choice.split()) for choice in item["choices"]}
        assert len(weights) == 1


def test_no_answer_is_so_frequent_that_guessing_it_would_do() -> None:
    for family in FAMILIES:
        answers = Counter(item["answers"][0] for item in items(WORLD, family, "test"))
        assert max(answers.values()) < 0.08 * sum(answers.values()), family


def test_items_have_the_task_format_and_unique_ids() -> None:
    seen: list[str] = []
    for family in FAMILIES:
        for split in SPLITS:
            made = items(WORLD, family, split)
            assert len(made) >= 200
            assert {(item["family"], item["split"]) for item in made} == {(family, split)}
            seen += [Item.model_validate(item).id for item in made]
    assert len(seen) == len(set(seen))


def test_fewer_items_are_the_first_ones() -> None:
    few = World(train_items=20, test_items=10)
    for family in FAMILIES:
        assert items(few, family, "train") == items(WORLD, family, "train")[:20]
        assert items(few, family, "test") == items(WORLD, family, "test")[:10]


@pytest.mark.parametrize("people", [12, 96])
def test_small_and_large_populations_work(people: int) -> None:
    world = World(people=people)
    assert len(population(world).names) == people
    assert len(items(world, "cbqa", "test")) == min(world.test_items, 5 * len(population(world).test))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match='did you mean "stories"'):
        list(documents(WORLD, "storys"))
    with pytest.raises(UserError, match="heldout"):
        list(documents(WORLD, "facts", split="test"))
    with pytest.raises(UserError, match='did you mean "cbqa"'):
        items(WORLD, "cbqq", "test")
    with pytest.raises(UserError, match="test"):
        items(WORLD, "rag", "dev")
    with pytest.raises(UserError, match="> 0"):
        list(documents(WORLD, "facts", n_words=0))


@pytest.mark.parametrize("bad", [{"people": 97}, {"people": 3}, {"seed": -1}, {"words": 0}, {"peple": 40}])
def test_a_world_out_of_range_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        World.model_validate(bad)


def test_no_thing_is_asked_about_in_both_splits_of_cms() -> None:
    things = {split: {item["question"].split()[-2] for item in items(WORLD, "cms", split)} for split in SPLITS}
    assert not things["train"] & things["test"]
    assert things["test"]


def test_questions_about_one_person_or_custom_name_it() -> None:
    for family, word in (("cbqa", lambda name: name), ("cms", lambda name: name.split()[1])):
        found = items(WORLD, family, "test")
        assert all(word(str(item["document"])) in str(item["question"]) for item in found)
        assert 1 < len({item["document"] for item in found}) < len(found)
