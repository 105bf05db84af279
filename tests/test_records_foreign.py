"""A results folder may hold anything: what this program did not write, or cannot read, is named and left alone."""

import json
import os
import random
import shutil
import stat
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic_results import Trial, folder, records
from typer.testing import CliRunner

from initbench.analysis import analyze
from initbench.cli import app
from initbench.records import TABLES, RecordsError, ResultsFolder, read, table_file

HE = [Trial("he", seed, (2.0, 1.0, 0.4)) for seed in range(2)]
XAVIER = [Trial("xavier", seed, (2.3, 2.2, 2.1)) for seed in range(2)]
DOCUMENTS = ("manifest.json", "experiment.yaml", "provenance.json")


class Touched(Exception):  # noqa: N818
    """Raised by a pickle that somebody loads."""


def explode():
    raise Touched


class Bomb:
    def __reduce__(self):
        return explode, ()


def ours(metadata=(("schema", "1"),)):
    return {key.encode(): value.encode() for key, value in metadata}


def someone_elses(path, name):
    pd.DataFrame({"price": [1.0, 2.0]}).to_parquet(path)


def of_another_table(path, name):
    other = TABLES[(TABLES.index(name) + 1) % len(TABLES)]
    shutil.copy(path.parent.with_name(other) / "stack0.parquet", path)


def of_other_types(path, name):
    key = "status" if name == "outcomes" else "step"
    wrong = [1.5, 2.5] if name == "outcomes" else ["one", "two"]
    frame = getattr(records(XAVIER), name).head(2).assign(**{key: wrong})
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(ours()), path)


def with_lists(path, name):
    frame = getattr(records(XAVIER), name).head(2).assign(extra=[[1], [2]])
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(ours()), path)


def with_gaps(path, name):
    frame = getattr(records(XAVIER), name).head(2).assign(id=["he-0", None])
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(ours()), path)


def with_a_strange_status(path, name):
    frame = getattr(records(XAVIER), name).head(2).assign(status="excellent", step="none")
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(ours()), path)


def with_text_that_is_none(path, name):
    """Bytes in a column of text that no encoding explains; nothing checks them on the way in."""
    table = pa.Table.from_pandas(getattr(records(XAVIER), name).head(1)).replace_schema_metadata(ours())
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    column = {"outcomes": "init", "curves": "id", "layers": "name"}[name]
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, broken), path)


def with_a_column_twice(path, name):
    table = pa.Table.from_pandas(getattr(records(XAVIER), name)).replace_schema_metadata(ours())
    pq.write_table(table.append_column("id", table["id"]), path)


def of_a_strange_version(path, name):
    table = pa.Table.from_pandas(getattr(records(XAVIER), name))
    pq.write_table(table.replace_schema_metadata(ours([("schema", "one")])), path)


def truncated(path, name):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path, name):
    path.write_bytes(b"")


def rubbish(path, name):
    path.write_bytes(random.Random(0).randbytes(5000))  # noqa: S311


def damaged_within(path, name):
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF  # in the first pages: the footer is as it was
    path.write_bytes(content)


def too_many_rows(path, name):
    """A page of equal values takes no room, however many they are."""
    table = pa.table({"id": pa.nulls(40_000_000), "step": pa.nulls(40_000_000)})
    pq.write_table(table.replace_schema_metadata(ours()), path)


def a_directory(path, name):
    path.unlink()
    path.mkdir()
    (path / "inside.parquet").write_text("somebody's")


def a_loop_of_links(path, name):
    path.unlink()
    path.symlink_to(path.name)


def a_link_to_nothing(path, name):
    path.unlink()
    path.symlink_to("nowhere")


def a_pipe(path, name):
    path.unlink()
    os.mkfifo(path)


SPOILERS = [
    someone_elses,
    of_another_table,
    of_other_types,
    with_lists,
    with_gaps,
    with_a_strange_status,
    with_text_that_is_none,
    with_a_column_twice,
    of_a_strange_version,
    truncated,
    empty,
    rubbish,
    damaged_within,
    too_many_rows,
    a_directory,
    a_loop_of_links,
    a_link_to_nothing,
    a_pipe,
]


def look(path):
    """All that can be seen of a file, without waiting for a pipe."""
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
    return status.st_ino, status.st_mode, content


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_a_foreign_table_is_named_and_outlives_every_command(tmp_path, table, spoil):
    made = folder(tmp_path, HE, XAVIER)
    foreign = tmp_path / "records" / table / "stack1.parquet"
    spoil(foreign, table)
    before = look(foreign)
    assert [problem.partition(": ")[0] for problem in made.read().problems] == [str(foreign)]
    assert "left alone" in made.read().problems[0]
    seen_by_the_footer = spoil not in (damaged_within, with_gaps, with_text_that_is_none) or table == "outcomes"
    assert made.finished() == {"he-0", "he-1", *(() if seen_by_the_footer else ("xavier-0", "xavier-1"))}

    made.append("stack1", records(XAVIER))  # the next run's, of the same name
    again = made.read()
    assert made.finished() == {"he-0", "he-1", "xavier-0", "xavier-1"}
    for name in TABLES:
        rows = getattr(again.records, name)
        assert len(rows) == len(getattr(records([*HE, *XAVIER]), name))
    assert len(again.problems) == 1

    made.clear()
    assert made.finished() == frozenset()
    assert look(foreign) == before


@pytest.mark.parametrize("column", ["id", "status", "init", "seed", "data_seed"])
def test_outcomes_that_leave_open_what_was_trained_are_named_and_none_of_them_is_used(tmp_path, column):
    """A trial of no scheme would be in no row of any report."""
    made = folder(tmp_path, HE, XAVIER)
    path = tmp_path / "records" / "outcomes" / "stack1.parquet"
    outcomes = pq.read_table(path)
    known = outcomes[column].to_pylist()
    gap = pa.array([known[0], *[None] * (len(known) - 1)], outcomes.schema.field(column).type)
    pq.write_table(outcomes.set_column(outcomes.column_names.index(column), column, gap), path)
    found = made.read()
    assert found.problems == (f"{path}: not a table of outcomes, left alone (column {column} has gaps)",)
    assert list(found.records.outcomes["id"]) == ["he-0", "he-1"]
    assert made.finished() == {"he-0", "he-1"}


def _dropped(frame, column):
    return frame.drop(columns=column)


def _as_text(frame, column):
    return frame.assign(**{column: "text"})


def _as_number(frame, column):
    return frame.assign(**{column: 1e300})


def _as_nothing(frame, column):
    return frame.assign(**{column: None})


CHANGES = [_dropped, _as_text, _as_number, _as_nothing]


def changed(place, change, columns):
    """Results of four trials; in the tables of the second stack these columns are changed."""
    folder(place, HE, XAVIER)
    for name in TABLES:
        frame = getattr(records(XAVIER), name)
        for column in sorted(columns & set(frame)):
            frame = change(frame, column)
        table = pa.Table.from_pandas(frame).replace_schema_metadata(ours())
        pq.write_table(table, place / "records" / name / "stack1.parquet")


@pytest.mark.parametrize("column", [*records(HE).outcomes, *records(HE).curves, *records(HE).layers])
def test_no_column_that_is_missing_or_of_another_type_crashes_an_analysis(tmp_path, column):
    for change in CHANGES:
        place = tmp_path / change.__name__
        changed(place, change, {column})
        found = analyze(read(place))
        assert set(found.trials["id"]) >= {"he-0", "he-1"}


@pytest.mark.parametrize("change", [_dropped, _as_number, _as_nothing])
def test_columns_that_say_nothing_of_use_do_not_crash_the_report(tmp_path, monkeypatch, change):
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})
    columns = {*records(HE).outcomes, *records(HE).curves, *records(HE).layers}
    usable = set()
    for column in sorted(columns):
        changed(tmp_path / column, change, {column})
        usable |= set() if read(tmp_path / column).problems else {column}
    assert len(usable) > len(columns) / 2
    changed(tmp_path / "all", change, usable)
    result = CliRunner().invoke(app, ["report", str(tmp_path / "all")])
    assert (result.exit_code, result.exception) == (0, None), result.output


def test_random_damage_never_crashes_reading(tmp_path):
    made = folder(tmp_path, HE, XAVIER)
    chance = random.Random(7)  # noqa: S311
    for name in TABLES:
        path = tmp_path / "records" / name / "stack1.parquet"
        whole = path.read_bytes()
        for _ in range(60):
            spoiled = bytearray(whole)
            for _ in range(chance.choice([1, 1, 3, 20])):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            path.write_bytes(spoiled[: chance.choice([len(spoiled), chance.randrange(len(spoiled))])])
            found = made.read()
            assert set(found.records.outcomes["id"]) >= {"he-0", "he-1"}
            assert made.finished() >= {"he-0", "he-1"}
        path.write_bytes(whole)


SHAPES = [
    b"\x00\xff\xfe rubbish",
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"[" * 100_000,
    b'{"schema": 1}',
    b'{"schema": true}',
    b'{"schema": "1"}',
    b'{"schema": 1e400}',
    json.dumps(
        {"schema": 1, "name": "demo", "trials": "he-0", "axes": ["init"], "target_metric": "train_loss"}
    ).encode(),
    json.dumps(
        {"schema": 1, "name": "d", "trials": [1], "axes": ["init"], "target_metric": "train_loss", "target_value": 1}
    ).encode(),
    json.dumps(
        {"schema": 1, "name": "d", "trials": ["a"], "axes": {}, "target_metric": "train_loss", "target_value": "much"}
    ).encode(),
    json.dumps(
        {"schema": 1, "name": "d", "trials": ["a"], "axes": ["init"], "target_metric": "speed", "target_value": 1.0}
    ).encode(),
]


@pytest.mark.parametrize("content", SHAPES, ids=lambda content: content[:24].decode(errors="replace"))
def test_a_manifest_of_any_other_shape_is_refused_by_name_and_left_alone(tmp_path, content):
    made = folder(tmp_path, HE)
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    for use in (made.read, made.create):
        with pytest.raises(RecordsError) as refused:
            use()
        assert str(path) in str(refused.value)
    assert path.read_bytes() == content


def test_a_manifest_that_names_an_axis_of_no_trial_is_refused(tmp_path):
    made = folder(tmp_path, HE)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"init"', '"weather"'))
    with pytest.raises(RecordsError, match="no trial has its axis weather"):
        made.read()


@pytest.mark.parametrize("content", [b"\x00\xff\xfe", b"[1, 2]", b"{", b"[" * 100_000])
def test_damaged_provenance_is_named_and_not_written_over(tmp_path, content):
    made = folder(tmp_path, HE)
    path = tmp_path / "provenance.json"
    path.write_bytes(content)
    results = made.read()
    assert results.provenance == {}
    assert results.problems[0].startswith(f"{path}: unreadable, left alone")
    with pytest.raises(RecordsError, match=r"provenance\.json.*move it away"):
        made.create()
    assert path.read_bytes() == content


def test_a_config_that_is_no_text_is_named_and_not_written_over(tmp_path):
    made = folder(tmp_path, HE)
    path = tmp_path / "experiment.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    results = made.read()
    assert results.experiment == ""
    assert results.problems[0].startswith(f"{path}: unreadable, left alone")
    with pytest.raises(RecordsError, match=r"experiment\.yaml.*move it away"):
        made.create()


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("spoil", [a_directory, a_loop_of_links, a_pipe], ids=lambda spoil: spoil.__name__)
def test_a_document_that_is_no_file_is_named(tmp_path, name, spoil):
    made = folder(tmp_path, HE)
    spoil(tmp_path / name, name)
    before = look(tmp_path / name)
    try:
        told = " ".join(made.read().problems)
    except RecordsError as error:
        told = str(error)
    assert str(tmp_path / name) in told
    with pytest.raises(RecordsError, match=name):
        made.create()
    assert look(tmp_path / name) == before


@pytest.mark.parametrize("name", ["experiment.yaml", "provenance.json", "report.md", "summary.csv"])
def test_a_folder_of_something_else_is_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RecordsError, match=rf"not a results folder, but has a file {name}.*--out"):
        ResultsFolder(tmp_path).create()
    assert (tmp_path / name).read_text() == "mine"


def test_tables_that_are_no_folders_are_named(tmp_path):
    folder(tmp_path, HE)
    shutil.rmtree(tmp_path / "records" / "layers")
    (tmp_path / "records" / "layers").write_text("in the way")
    results = read(tmp_path)
    assert any("layers: unreadable, left alone" in problem for problem in results.problems)
    with pytest.raises(RecordsError, match="cannot write results"):
        ResultsFolder(tmp_path).create()


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    made = folder(tmp_path, HE, XAVIER)
    forbidden = tmp_path / "records" / "curves" / "stack1.parquet"
    opened = pq.ParquetFile

    def refusing(path, **options):
        if path == forbidden:  # root, as which tests may run, can read everything
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, **options)

    monkeypatch.setattr(pq, "ParquetFile", refusing)
    (problem,) = made.read().problems
    assert problem.startswith(f"{forbidden}: unreadable, left alone (")
    assert made.finished() == {"he-0", "he-1"}


def test_no_table_can_make_the_reader_load_a_pickle(tmp_path):
    """Arrow once kept types as pickles in a file's schema, and loaded them on reading."""
    import pickle  # what an attacker has

    made = folder(tmp_path, HE, XAVIER)
    path = tmp_path / "records" / "curves" / "stack1.parquet"
    frame = records(XAVIER).curves
    bait = pickle.dumps(Bomb())
    with pytest.raises(Touched):
        pickle.loads(bait)  # noqa: S301 - the bait works
    table = pa.Table.from_pandas(frame)
    kept = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": bait}
    table = table.set_column(1, pa.field("step", pa.int64(), metadata=kept), table["step"])
    pandas_says = json.dumps(
        {
            "columns": [
                {
                    "name": "step",
                    "field_name": "step",
                    "pandas_type": "object",
                    "numpy_type": "object",
                    "metadata": {"pickle": bait.hex()},
                }
            ],
            "index_columns": [],
        }
    )
    pq.write_table(table.replace_schema_metadata({**ours(), b"pandas": pandas_says.encode()}), path)
    assert len(made.read().records.curves)  # read as plain numbers or left alone, but never loaded


def test_nothing_in_the_package_loads_pickles():
    """``torch.load``, ``numpy.load`` and their like run what a file says; ``.npz`` is read with pickles forbidden."""
    package = Path(table_file.__file__).parents[1]
    words = (
        "pickle.load",
        "import pickle",
        "torch.load",
        "np.load",
        "read_pickle",
        "joblib",
        "shelve",
        "marshal",
        "yaml.load(",
        "yaml.unsafe",
        "allow_pickle=True",
        "dill",
    )
    found = [f"{path.name}: {word}" for path in package.rglob("*.py") for word in words if word in path.read_text()]
    assert found == []
    assert "allow_pickle=False" in (package / "datasets" / "_npz.py").read_text()
