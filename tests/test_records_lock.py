"""The lock of a results folder: one run at a time, where the file system can tell."""

import errno
import warnings
from concurrent.futures import ThreadPoolExecutor

import filelock
import pytest
from synthetic_results import Trial, folder

from initbench.records import RecordsError, ResultsFolder, lock


def test_a_folder_is_held_once_by_others_and_again_by_oneself(tmp_path):
    results = ResultsFolder(tmp_path / "results")
    with results.locked(), ResultsFolder(tmp_path / "results").locked():
        assert not _free(results)
    assert _free(results)


def test_a_lock_is_given_back_whatever_happens(tmp_path):
    results = ResultsFolder(tmp_path)
    with pytest.raises(KeyboardInterrupt), results.locked():
        raise KeyboardInterrupt
    assert _free(results)


@pytest.mark.parametrize("error", [NotImplementedError("no flock here"), OSError(errno.ENOLCK, "No locks available")])
def test_where_there_are_no_locks_it_is_said_and_the_run_goes_on(tmp_path, monkeypatch, error):
    class Unable:
        def __init__(self, *_arguments, **_options):
            pass

        def acquire(self):
            raise error

    monkeypatch.setattr(lock, "FileLock", Unable)
    told = []
    with ResultsFolder(tmp_path).locked(told.append):
        pass
    (sentence,) = told
    assert sentence.startswith(f"{tmp_path} cannot be locked (")
    assert "make sure that no other run writes to it" in sentence


def test_something_else_in_the_place_of_the_lock_is_left_alone(tmp_path):
    made = folder(tmp_path, [Trial("he", 0, (2.0,))])
    (tmp_path / ".lock").mkdir()
    told = []
    with made.locked(told.append):
        assert made.finished() == {"he-0"}
    assert "cannot be locked" in told[0]
    assert (tmp_path / ".lock").is_dir()


def test_the_lock_says_nothing_of_its_own(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ResultsFolder(tmp_path).locked():
            assert not _free(ResultsFolder(tmp_path))


def _free(results: ResultsFolder) -> bool:
    """Whether a lock of another program could be had."""
    try:
        with filelock.FileLock(results.path / ".lock", timeout=0):
            return True
    except (filelock.Timeout, RuntimeError):  # in one thread a second lock could never be had: that is said at once
        return False


def test_a_run_may_not_begin_in_a_folder_that_another_thread_holds(tmp_path):
    results = ResultsFolder(tmp_path)

    def attempt() -> str:
        try:
            with ResultsFolder(tmp_path).locked():
                return "held"
        except RecordsError as error:
            return str(error)

    with ThreadPoolExecutor(1) as other, results.locked():
        assert "another run is writing" in other.submit(attempt).result()
