"""Licence expressions, as far as crates use them: AND, OR, WITH, brackets, and the old slash for OR."""

import re
from collections.abc import Collection

_WORD = re.compile(r"\s*([()]|/|[^\s()/]+)")


def satisfies(expression: str, allowed: Collection[str]) -> bool:
    """Whether the licences in `allowed` suffice for the expression."""
    words = _WORD.findall(expression)
    verdict = _either(words, allowed)
    if words:
        raise ValueError(f"cannot read the licence expression {expression!r}: {words} is left over")
    return verdict


def _either(words: list[str], allowed: Collection[str]) -> bool:
    verdict = _both(words, allowed)
    while words and words[0] in ("OR", "/"):
        words.pop(0)
        # Read the other side whatever the verdict is.
        verdict = _both(words, allowed) or verdict
    return verdict


def _both(words: list[str], allowed: Collection[str]) -> bool:
    verdict = _one(words, allowed)
    while words and words[0] == "AND":
        words.pop(0)
        verdict = _one(words, allowed) and verdict
    return verdict


def _one(words: list[str], allowed: Collection[str]) -> bool:
    if not words or words[0] in (")", "/", "AND", "OR", "WITH"):
        raise ValueError(f"a licence expression lacks a name before {words[:1]}")
    word = words.pop(0)
    if word == "(":
        verdict = _either(words, allowed)
        if not words or words.pop(0) != ")":
            raise ValueError("a bracket is not closed in a licence expression")
        return verdict
    if words and words[0] == "WITH":
        words.pop(0)
        word += " WITH " + words.pop(0)
    return word in allowed
