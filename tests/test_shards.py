"""Shards: disjoint, complete, the same everywhere; and their results put together again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from initbench.cli import app
from initbench.config import load_text
from initbench.errors import InitbenchError
from initbench.execute import WHOLE, Finished, Resources, Shard, execute, schedule
from initbench.plan import plan
from initbench.records import FAILED, RecordsError, ResultsFolder, merging, read

CONFIG = """
name: parts
dataset: {name: synthetic, features: 4, classes: 2, samples: 32, test_samples: 16}
network: {name: mlp, depth: [2, 3], width: 4}
init: [he, xavier]
batch_size: 8
steps: 4
seeds: 9
device: cpu
"""


@given(stacks=st.integers(0, 2000), shards=st.integers(1, 300))
def test_shards_are_disjoint_and_complete(stacks: int, shards: int) -> None:
    dealt = [stack for number in range(1, shards + 1) for stack in Shard(number, shards).positions(stacks)]
    assert sorted(dealt) == list(range(stacks))
    sizes = [len(Shard(number, shards).positions(stacks)) for number in range(1, shards + 1)]
    assert max(sizes) - min(sizes) <= 1


@given(seeds=st.integers(1, 30), shards=st.integers(1, 9))
def test_every_trial_of_a_plan_is_in_exactly_one_shard(seeds: int, shards: int) -> None:
    whole = schedule(load_text(CONFIG, "parts.yaml", [f"seeds={seeds}"]), Path("nowhere"), Path("nowhere"))
    parts = [replace(whole, shard=Shard(number, shards)) for number in range(1, shards + 1)]
    ids = [trial for part in parts for trial in part.ids()]
    assert sorted(ids) == sorted(whole.ids())
    assert len(set(ids)) == len(ids)
    for part in parts:
        trained = {trial.id for stack in part.pending for trial in stack.trials}
        assert trained == set(part.ids()) == {trial.id for trial in part.missing} == {trial.id for trial in part.trials}


@pytest.mark.parametrize("text", ["3/20", " 1/1 "])
def test_a_shard_reads_as_it_is_written(text: str) -> None:
    assert str(Shard.parsed(text)) == text.strip()


def test_a_shard_beyond_the_last_is_told_the_last() -> None:
    with pytest.raises(InitbenchError, match=r"--shard: found '4/3', expected a part from 1/3 to 3/3"):
        Shard.parsed("4/3")


@pytest.mark.parametrize("text", ["0/3", "3", "a/b", "1/0", "-1/3", "1/3/5", "", "1e3/2000", "1/9999999999"])
def test_what_is_no_shard_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InitbenchError, match=r"--shard: found .*, expected a part of a whole, such as 1/20 to 20/20"):
        Shard.parsed(text)


def test_folders_of_shards_sort_like_shards() -> None:
    names = [Shard(number, 120).folder for number in range(1, 121)]
    assert names == sorted(names)
    assert names[2] == "003-of-120"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of an experiment, ``whole`` and in three ``shards``."""
    place = tmp_path_factory.mktemp("parts")
    (place / "parts.yaml").write_text(CONFIG)
    trained(place / "whole")
    for number in (1, 2, 3):
        trained(place / "shards" / f"{number}-of-3", Shard(number, 3))
    return place


def trained(folder: Path, shard: Shard = WHOLE, *overrides: str) -> None:
    work = schedule(load_text(CONFIG, "parts.yaml", overrides), folder, folder)
    assert [event for event in execute(replace(work, shard=shard), Resources(workers=1)) if isinstance(event, Finished)]


def folders(parts: Path) -> list[Path]:
    return sorted((parts / "shards").iterdir())


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The records of a folder without what differs from run to run."""
    records = read(folder).records
    outcomes = records.outcomes.drop(columns=["seconds", "init_seconds"])
    return {"outcomes": outcomes, "curves": records.curves, "layers": records.layers}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_in_three_shards_is_the_undivided_run_bit_for_bit(parts: Path, tmp_path: Path) -> None:
    before = {folder: contents(folder) for folder in folders(parts)}
    merged = merging.merge(folders(parts), tmp_path / "merged")
    assert merged.missing == merged.problems == ()
    whole = tables(parts / "whole")
    for name, table in tables(tmp_path / "merged").items():
        pd.testing.assert_frame_equal(table, whole[name], check_exact=True)
    assert read(tmp_path / "merged").manifest == read(parts / "whole").manifest
    assert {folder: contents(folder) for folder in folders(parts)} == before


def test_the_order_of_the_parts_decides_nothing(parts: Path, tmp_path: Path) -> None:
    merging.merge(folders(parts), tmp_path / "forward")
    merging.merge(folders(parts)[::-1], tmp_path / "backward")
    for name, table in tables(tmp_path / "forward").items():
        pd.testing.assert_frame_equal(table, tables(tmp_path / "backward")[name], check_exact=True)


def test_merging_again_changes_nothing(parts: Path, tmp_path: Path) -> None:
    merging.merge(folders(parts), tmp_path / "merged")
    before = contents(tmp_path / "merged")
    merging.merge([tmp_path / "merged", *folders(parts)], tmp_path / "merged")
    assert contents(tmp_path / "merged") == before


def test_a_run_of_one_shard_has_a_folder_of_its_own_that_says_what_it_is(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["run", str(parts / "parts.yaml"), "--quiet", "--workers", "1", "--shard", "1/3"]
    assert CliRunner().invoke(app, command).exit_code == 0
    folder = tmp_path / "results/parts/shards/1-of-3"
    count, planned = (len(read(each).manifest.trials) for each in (folder, parts / "whole"))
    about = f"this is a part of an experiment: shard 1/3, {count} of {planned} trials; initbench merge joins the parts"
    assert about in (folder / "report.md").read_text()
    for name, table in tables(folder).items():
        pd.testing.assert_frame_equal(table, tables(folders(parts)[0])[name], check_exact=True)


def test_the_command_merges_what_is_there_and_names_what_is_not(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two, three = map(str, folders(parts))
    early = CliRunner().invoke(app, ["merge", one, three])
    planned = len(read(parts / "whole").manifest.trials)
    absent = len(read(Path(two)).manifest.trials)
    assert early.exit_code == 3
    assert f"shard 2/3 not merged yet: {absent} of {planned} trials are missing" in early.stderr
    late = CliRunner().invoke(app, ["merge", two])
    assert late.exit_code == 0, late.output
    assert "initbench merge" not in late.stdout
    for name, table in tables(tmp_path / "results/parts").items():
        pd.testing.assert_frame_equal(table, tables(parts / "whole")[name], check_exact=True)
    assert (tmp_path / "results/parts/report.html").is_file()


def test_the_rest_of_a_merged_folder_can_be_trained_there(parts: Path, tmp_path: Path) -> None:
    merging.merge(folders(parts)[:2], tmp_path / "merged")
    trained(tmp_path / "merged")
    for name, table in tables(tmp_path / "merged").items():
        pd.testing.assert_frame_equal(table, tables(parts / "whole")[name], check_exact=True)


def test_a_failed_trial_gives_way_to_its_records_elsewhere(parts: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folders(parts)[0], broken)
    records = read(broken).records
    for path in (broken / "records").rglob("*.parquet"):
        path.unlink()
    stack = next((folders(parts)[0] / "records/outcomes").glob("*.parquet")).stem
    failed = records.outcomes.assign(status=FAILED, reason="no weights today")
    ResultsFolder(broken).append(stack, replace(records, outcomes=failed, curves=records.curves[:0]))
    merged = merging.merge([broken, *folders(parts)[1:]], tmp_path / "merged")
    count = len(failed)
    assert merged.missing == (f"shard 1/3: {count} of {count} trials failed, or have no records yet",)
    assert merging.merge(folders(parts)[:1], tmp_path / "merged").missing == ()
    for name, table in tables(tmp_path / "merged").items():
        pd.testing.assert_frame_equal(table, tables(parts / "whole")[name], check_exact=True, check_dtype=False)


def test_a_damaged_file_is_named_and_its_trials_are_missing(parts: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folders(parts)[0], broken)
    damaged = next((broken / "records/layers").glob("*.parquet"))
    damaged.write_bytes(b"PAR1")
    merged = merging.merge([broken, *folders(parts)[1:]], tmp_path / "merged")
    assert len(merged.missing) == len(merged.problems) == 1
    assert damaged.stem in merged.problems[0]
    assert damaged.read_bytes() == b"PAR1"


def test_parts_of_another_experiment_are_refused_with_what_differs(parts: Path, tmp_path: Path) -> None:
    trained(tmp_path / "other", Shard(2, 3), "seeds=8")
    with pytest.raises(RecordsError, match=r"other and .*1-of-3 are not of one experiment: seeds is"):
        merging.merge([folders(parts)[0], tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_parts_cut_for_another_device_are_refused(parts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folders(parts)[1], other)
    manifest = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(manifest.replace('"the device": "cpu"', '"the device": "cuda"'))
    with pytest.raises(RecordsError, match="not of one experiment: the device differ: cuda and cpu"):
        merging.merge([folders(parts)[0], other], tmp_path / "merged")


@pytest.mark.parametrize("name", ["nothing here", "empty"])
def test_what_is_no_results_folder_is_refused(parts: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(
        app, ["merge", str(folders(parts)[0]), str(tmp_path / name), "--out", str(tmp_path / "m")]
    )
    assert result.exit_code == 2
    assert name in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["../outside", "/etc", "..", "a/b", ""])
def test_a_part_cannot_say_where_the_whole_is_written(parts: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(folders(parts)[0], other)
    manifest = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(manifest.replace('"name": "parts"', f'"name": "{name}"'))
    result = CliRunner().invoke(app, ["merge", str(other)])
    assert result.exit_code == 2
    assert f"it names {name!r}; a name is a folder's" in result.stderr


def test_a_search_cannot_be_cut_into_shards() -> None:
    for command in (["compare", "he", "xavier", "--lr", "auto"], ["compare", "he", "--max-depth"]):
        result = CliRunner().invoke(app, [*command, "--shard", "1/2"])
        assert result.exit_code == 2
        assert "--shard 1/2: a search has no shards" in result.stderr


def test_a_shard_beyond_the_last_stack_holds_nothing_and_is_no_error(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stacks = len(schedule(load_text(CONFIG, "parts.yaml"), tmp_path, tmp_path).stacks)
    shard = f"{stacks + 1}/{stacks + 1}"
    result = CliRunner().invoke(app, ["run", str(parts / "parts.yaml"), "--shard", shard, "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert f"shard {shard} holds no trial" in result.stderr
    assert read(next((tmp_path / "results/parts/shards").iterdir())).manifest.trials == ()


def test_the_plan_knows_where_the_trials_of_a_stack_stand() -> None:
    planned = plan(load_text(CONFIG, "parts.yaml"), Path("nowhere"))
    stacks = planned.stacks(5)
    for index, stack in enumerate(stacks):
        assert tuple(planned.trials[position] for position in stacks.positions(index)) == stack.trials
