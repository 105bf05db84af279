"""The pytest plugin: a project's own tests hold its convergence.

``pytest --initbench ci.yaml --initbench-baseline ci.json`` adds an item for each scheme and metric, such as
``ci.yaml::he::final_train_loss``; the training happens once, when the first of them runs. The fixture
``initbench_check`` does a whole check inside a test. Nothing of initbench is imported before one of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from initbench.gate import Baseline, Finding, Report, Tolerance

Check = Callable[..., "Report"]

NOT_SAID = "the check says nothing of it"


class ConvergenceError(AssertionError):
    """Convergence is worse than the baseline's, or than expected; the message says by how much."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, which mirror those of ``initbench check``."""
    group = parser.getgroup("initbench", "convergence of training (initbench)")
    group.addoption("--initbench", metavar="CONFIG", help="train this config and add an item for each comparison")
    group.addoption("--initbench-baseline", metavar="FILE", help="the file that 'initbench baseline' wrote")
    group.addoption(
        "--initbench-margin",
        metavar="SHARE",
        type=float,
        default=0.1,
        help="a change up to this share is nobody's concern (default: 0.1)",
    )
    group.addoption("--initbench-strict", action="store_true", help="fail where a comparison is inconclusive")
    group.addoption("--initbench-exact", action="store_true", help="fail where any number changed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items, before others select among them."""
    source = config.getoption("--initbench")
    if source is None:
        if config.getoption("--initbench-baseline") is not None:
            raise pytest.UsageError("--initbench-baseline needs --initbench CONFIG")
        return
    collector = _Gate.from_parent(session, name=Path(source).name, path=config.rootpath / source, nodeid=str(source))
    collector.source = str(source)
    items.extend(collector.collect())


@pytest.fixture(scope="session")
def initbench_check() -> Check:
    """A function ``check(config, baseline=None, **options)``: a whole check, which raises ConvergenceError if it fails.

    Options are the fields of ``initbench.Tolerance`` (margin, metrics, strict, exact). The report is returned.
    """

    def run(config: str | Path, baseline: str | Path | None = None, **options: Any) -> Report:
        from initbench import Tolerance, check

        report = check(config, baseline, tolerance=Tolerance(**options))
        if report.exit_code:
            raise ConvergenceError("\n".join([report.sentence, *(found.text for found in report.regressions)]))
        return report

    return run


class _Gate(pytest.Collector):
    """A config and its baseline."""

    source: str = ""
    _report: Report | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each comparison that the baseline and the config promise; bad input is a usage error."""
        from initbench import InitbenchError
        from initbench.checking import matching_baseline, something_to_hold_to
        from initbench.config import load
        from initbench.datasets import data_folder

        file = self.config.getoption("--initbench-baseline")
        try:
            experiment = load(self.source)
            before = matching_baseline(Path(file), experiment, data_folder(None)) if file is not None else None
            something_to_hold_to(experiment, before)
        except InitbenchError as error:
            raise pytest.UsageError(str(error)) from error
        for scheme, what in [*_promised(before), *_expected(experiment)]:
            item = _Comparison.from_parent(self, name=f"{scheme}::{what}")
            item.scheme, item.what = scheme, what
            yield item

    def report(self) -> Report:
        """The report of the one run that all items share."""
        if self._report is None:
            from initbench import check

            file = self.config.getoption("--initbench-baseline")
            self._report = check(self.source, file, tolerance=self._tolerance())
        return self._report

    def _tolerance(self) -> Tolerance:
        from initbench import Tolerance

        option = self.config.getoption
        return Tolerance(
            margin=option("--initbench-margin"), strict=option("--initbench-strict"), exact=option("--initbench-exact")
        )


class _Comparison(pytest.Item):
    """One comparison: it passes, fails, or passes with a section that says why it is inconclusive."""

    scheme: str = ""
    what: str = ""

    def runtest(self) -> None:
        """Look up what the run says of this comparison."""
        gate = self.parent
        assert isinstance(gate, _Gate)  # noqa: S101 - nobody else makes these items
        report = gate.report()
        found = [each for each in report.findings if f"{each.scheme}, ".startswith(f"{self.scheme}, ")]
        lost = [each.text for each in found if each.what == "trials"]
        own = [each for each in found if _item(each) == self.what]
        if lost:
            raise ConvergenceError("; ".join(lost))
        if report.failed == report.trials:
            raise ConvergenceError(report.sentence)
        for each in own:
            if each.fails:
                raise ConvergenceError(each.text)
            self.add_report_section("call", "initbench", each.text)
        if not own:
            pytest.skip("; ".join(report.notes) or NOT_SAID)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A regression is told in its sentence, without a traceback."""
        if isinstance(excinfo.value, ConvergenceError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it comes from, for the head of a failure."""
        return self.path, None, self.name


def _promised(baseline: Baseline | None) -> Iterator[tuple[str, str]]:
    """(scheme, comparison) of all that a baseline is compared by."""
    from initbench.gate.measured import SIGNALS
    from initbench.gate.statistical import metrics_of

    for cell in baseline.schemes if baseline is not None else ():
        yield from ((cell.label, what) for what in ("reached", *metrics_of(cell)))
        yield from ((cell.label, what) for what in (*(SIGNALS if cell.layers else ()), "numerics"))


def _expected(experiment: Any) -> Iterator[tuple[str, str]]:
    for scheme, wanted in experiment.expect:
        for what in wanted.model_dump(exclude_none=True):
            if what != "by":
                yield scheme, f"expected {what}"


def _item(finding: Finding) -> str:
    """The item that a finding belongs to."""
    from initbench.gate import Kind

    if finding.kind is Kind.EXPECTED:
        return f"expected {finding.what}"
    return "reached" if finding.what == "finished" else finding.what
