"""Progress: what each display prints for a made-up run."""

import io
import math

from rich.console import Console

from initbench.events import Failed, Finished, Progressed, Started
from initbench.report.progress import LiveDisplay, PlainDisplay, QuietDisplay, Tally, display

STARTED = Started(trials=30, cached=10, stacks=5, workers=2)


def news(stack, step, **losses):
    return Progressed(stack=stack, step=step, steps=400, losses=losses or {"he": 1.25})


def console(*, terminal=False):
    return Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system=None)


def test_work_counts_finished_stacks_and_the_share_of_those_in_training():
    tally = Tally()
    for event in (STARTED, news("a", 400), Finished("a", 4, 0), news("b", 100), news("c", 200)):
        tally.add(event)
    assert tally.work == 1 + 0.25 + 0.5
    assert tally.count == "4/20 trials"
    assert [running.stack for running in tally.running] == ["b", "c"]


def test_the_time_left_follows_from_the_work_done():
    tally = Tally()
    assert tally.time_left(10) == ""
    for event in (STARTED, news("a", 200)):
        tally.add(event)
    assert tally.time_left(10.0) == "; about 1 min 30 s left"  # half a stack in 10 s, four and a half to go


def test_losses_are_averaged_over_stacks_and_show_what_is_not_finite():
    tally = Tally()
    tally.add(news("a", 10, he=1.0, zeros=math.nan))
    tally.add(news("b", 10, he=2.0, zeros=2.3))
    assert tally.losses["he"] == 1.5
    assert math.isnan(tally.losses["zeros"])


def test_plain_lines_tell_the_start_each_stack_and_a_word_now_and_then():
    out, now = console(), [0.0]
    with PlainDisplay(out, clock=lambda: now[0]) as shown:
        shown.show(STARTED)
        for second in range(1, 13):
            now[0] = float(second)
            shown.show(news("mlp[depth=30]", 20 * second))
        now[0] = 20.0
        shown.show(Finished("mlp[depth=30]", 4, 0))
        shown.show(Failed("cnn", 4, "out of [memory]"))
    assert out.file.getvalue().splitlines() == [
        "30 trials, 10 already done",
        "0/20 trials: mlp[depth=30] at step 200 of 400; train loss he 1.25; about 1 min 30 s left",
        "4/20 trials: mlp[depth=30] done; train loss he 1.25; about 1 min 20 s left",
        "8/20 trials: cnn failed: out of [memory]",
    ]


def test_quiet_prints_failures_alone():
    out = console()
    with QuietDisplay(out) as shown:
        for event in (STARTED, news("a", 10), Failed("a", 4, "out of memory"), Finished("b", 4, 0)):
            shown.show(event)
    assert out.file.getvalue() == "a failed: out of memory\n"


def test_the_live_display_shows_stack_loss_and_share_and_leaves_the_failure():
    out = console(terminal=True)
    with LiveDisplay(out) as shown:
        for event in (STARTED, news("mlp[depth=30]", 200, he=1.25), Failed("cnn", 4, "out of [memory]")):
            shown.show(event)
    text = out.file.getvalue()
    for piece in ("mlp[depth=30], step 200 of 400", "1.25", "4/20 trials", "cnn failed: out of [memory]"):
        assert piece in text


def test_the_display_suits_the_console():
    assert isinstance(display(console()), PlainDisplay)
    assert isinstance(display(console(terminal=True)), LiveDisplay)
    assert isinstance(display(console(terminal=True), quiet=True), QuietDisplay)
