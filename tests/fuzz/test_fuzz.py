"""The parsers of hostile bytes hold what their fuzz targets check."""

from __future__ import annotations

import base64
import random
import time

import pytest

from tests.fuzz import corpus
from tests.fuzz.mutator import mutations
from tests.fuzz.targets import TARGETS, words

_SECONDS = 20  # for each target, which makes a minute


@pytest.mark.parametrize("target", TARGETS)
def test_what_fuzzers_once_found_worth_keeping_holds(target: str) -> None:
    """All inputs of the corpus in the tree."""
    inputs = corpus.load(target)

    for data in inputs:
        TARGETS[target](data)
    assert inputs


@pytest.mark.fuzz
@pytest.mark.parametrize("target", TARGETS)
def test_changed_inputs_hold_too(target: str) -> None:
    """As many as there is time for, other ones in each run."""
    seed = random.randrange(1 << 32)
    vocabulary = [word.encode() for word in sorted(words())] if target == "json" else []
    end = time.monotonic() + _SECONDS

    for data in mutations(corpus.load(target), vocabulary, random.Random(seed)):
        try:
            TARGETS[target](data)
        except Exception as error:
            error.add_note(f"the input, in base64, is {base64.b64encode(data).decode()}")
            raise
        if time.monotonic() > end:
            return
