"""``expect:``, what a config expects of its schemes: each named as in ``init``, with limits, a state or a rival."""

from __future__ import annotations

from collections.abc import Sequence

from initbench.config.axes import component_axis
from initbench.config.expected import validated
from initbench.config.problems import Key, Problems, nearest, shown
from initbench.expectation import Expectation
from initbench.inits import INITS, Init

KEY = "expect"
EXAMPLE = "a mapping of schemes such as {he: {reached: all}}"


def expectations(written: object, schemes: Sequence[Init], problems: Problems) -> tuple[tuple[str, Expectation], ...]:
    """The expectations by the scheme's label, in the order of the file; what is wrong goes to ``problems``."""
    if written is None:
        return ()
    if not isinstance(written, dict) or not written:
        problems.unexpected((KEY,), written, EXAMPLE)
        return ()
    found: dict[str, Expectation] = {}
    for name, wanted in written.items():
        key = (KEY, name)
        label = _label(name, key, schemes, problems)
        expectation = _expectation(wanted, key, schemes, problems)
        if label in found:
            problems.add(key, f"{label} is expected something of twice; put it into one mapping")
        elif label is not None and expectation is not None:
            found[label] = expectation
    return tuple(found.items())


def _expectation(wanted: object, key: Key, schemes: Sequence[Init], problems: Problems) -> Expectation | None:
    if not isinstance(wanted, dict) or not wanted:
        problems.unexpected(key, wanted, "a mapping such as {final_train_loss: '< 0.5', reached: all}")
        return None
    expectation = validated(Expectation, wanted, key, {}, problems)
    if expectation is None:
        return None
    if expectation.by is not None and expectation.faster_than is None:
        problems.add((*key, "by"), "found by without faster_than, expected the scheme that is to be slower")
    if expectation.faster_than is None:
        return expectation
    rival = _label(expectation.faster_than, (*key, "faster_than"), schemes, problems)
    return None if rival is None else expectation.model_copy(update={"faster_than": rival})


def _label(name: str, key: Key, schemes: Sequence[Init], problems: Problems) -> str | None:
    """The label of the scheme that ``name`` means; it has to be one of those that are trained."""
    before = len(problems)
    named = component_axis(name, key, INITS, problems)
    if len(problems) > before or not schemes:
        return None
    if len(named) == 1 and named[0] in schemes:
        return named[0].label
    labels = [scheme.label for scheme in schemes]
    problems.add(key, f"found {shown(name)}, expected one of the schemes in init; {nearest(name, labels)}")
    return None
