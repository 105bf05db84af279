"""What a config expects of a scheme, without a baseline: a loss below a bound, a state, being faster than another.

The values that ``expect:`` is read into. They lie below both the config that states them and the check that holds
results to them, and know neither.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# A digit has one place to match at: with two, a long number would be tried in as many ways as it has digits, squared.
LIMIT_PATTERN = r"^\s*(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _limit(given: object) -> object:
    if not isinstance(given, str) or not re.match(LIMIT_PATTERN, given):
        raise ValueError("a limit is a sign and a number, in quotes, such as '< 0.5' or '>= 0.9'")
    return given


Limit = Annotated[str, BeforeValidator(_limit), Field(pattern=LIMIT_PATTERN)]
Reached = Literal["all", "most", "none"] | Annotated[int, Field(ge=0)]
State = Literal["converged", "slow", "stalled", "diverged"]

LIMITED = (
    *("steps_to_target", "loss_area", "final_train_loss", "final_test_loss", "final_test_accuracy"),
    *("best_train_loss", "best_test_loss", "best_test_accuracy"),
)
"""What can be held to a limit: the median over the seeds."""


class Expectation(BaseModel):
    """What is expected of one scheme, in every setting of the sweep; what is None is not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    steps_to_target: Limit | None = Field(default=None, description="median steps to the target, such as '< 100'")
    loss_area: Limit | None = Field(default=None, description="median area under the train loss over the steps")
    final_train_loss: Limit | None = Field(default=None, description="median over the seeds, such as '< 0.5'")
    final_test_loss: Limit | None = Field(default=None, description="median over the seeds, such as '< 0.5'")
    final_test_accuracy: Limit | None = Field(default=None, description="median over the seeds, such as '>= 0.9'")
    best_train_loss: Limit | None = Field(default=None, description="median over the seeds")
    best_test_loss: Limit | None = Field(default=None, description="median over the seeds")
    best_test_accuracy: Limit | None = Field(default=None, description="median over the seeds")
    reached: Reached | None = Field(
        default=None, description="in how many seeds the target is reached: all, most, none, or at least so many"
    )
    state: State | None = Field(default=None, description="the state of most seeds")
    faster_than: str | None = Field(default=None, description="a scheme that takes more steps to the target")
    by: float | None = Field(default=None, ge=1, description="how many times as many steps the other scheme takes")

    @property
    def limits(self) -> dict[str, str]:
        """The limits asked for, by metric, as in ``{"final_train_loss": "< 0.5"}``."""
        return {name: limit for name in LIMITED if (limit := getattr(self, name)) is not None}


def satisfies(value: float, limit: str) -> bool:
    """Whether a value keeps a limit such as ``< 0.5``; no NaN does."""
    text = limit.strip()
    sign = text[:2] if text[1] == "=" else text[0]
    return SIGNS[sign](value, float(text[len(sign) :]))
