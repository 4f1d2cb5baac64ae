"""The words of the embedded world, one list a role; lists are disjoint so that a word betrays its role.

Texts are split on white space, punctuation stands alone, and numbers are written digit by digit. So a closed
word-level vocabulary covers every text and every item.
"""

from __future__ import annotations

PUNCTUATION = tuple(". , : ; ? = + - > ( ) [ ]".split())
DIGITS = tuple("0123456789")
GRAMMAR = tuple(
    "question answer what which how do has the of is and does to so must one wants soon again list near".split()
)

# --- facts, and the passages of reading --------------------------------------------------------------------------
ATTRIBUTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "home": ("inhabits", tuple("arden bristow corvo dunmore elsin farrow galway hollen".split())),
    "job": ("became", tuple("baker weaver miner sailor potter tailor singer hunter".split())),
    "pet": ("keeps", tuple("cat dog goat hen horse duck sheep crow".split())),
    "meal": ("eats", tuple("rice soup bread beans fish cheese plums nuts".split())),
    "colour": ("wears", tuple("red blue green black white brown grey pink".split())),
}
"""Attribute: (the verb that says it, the values it can take); guessing among the values is right once in eight."""

LAND = tuple("sea hills forest river desert marsh".split())

NAME_ONSETS = tuple("b d f g h k l m n r t v".split())
NAME_ENDINGS = tuple("ara eno ilo oma una iva edo asi".split())
NAMES = tuple(onset + ending for ending in NAME_ENDINGS for onset in NAME_ONSETS)
"""One word a person; as many people as there are names at most."""

TITLES = tuple("doctor captain judge prince abbot major uncle aunt lady sir pilot guard".split())
SURNAMES = tuple("vale moss reed thorn brook ash finch stone wolf lake frost birch hale wren cole dale".split())

# --- stories ------------------------------------------------------------------------------------------------------
VERBS = tuple("fix clean paint move hide dry open lift".split())
STATES = dict(zip(VERBS, "whole bright pretty away hidden warm wide high".split(), strict=True))
OBJECTS = tuple("boat roof gate chair wagon coat lamp well fence barrel clock stove tent drum basket door".split())
PLACES = tuple("shed barn cellar attic mill market chapel tower stable".split())
TOOLS = tuple("rope saw brush hammer ladder cloth bucket shovel needle hook".split())
WHO = tuple("girl boy man woman farmer child widow priest".split())
WEATHER = tuple("rainy sunny windy snowy foggy stormy".split())
TIMES = tuple("morning noon evening night".split())
MOODS = tuple("glad calm tired proud".split())
STORY_GRAMMAR = tuple("on go take".split())

# --- code ---------------------------------------------------------------------------------------------------------
LETTERS = tuple("p q r s u v w x y z".split())
KEYWORDS = tuple("let print def copy flip".split())
