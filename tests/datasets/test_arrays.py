"""A user's own arrays: what is accepted, and a message for each way of being wrong."""

import hashlib
import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from initbench.datasets import DatasetError, standardised
from initbench.datasets._npz import NpzReader
from initbench.datasets.arrays import Arrays

FOLDER = Path("unused")


def sample_arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.normal(size=(12, 5)),
        "y_train": np.arange(12) % 3,
        "x_test": rng.normal(size=(6, 5)),
        "y_test": np.arange(6) % 3,
    }


@pytest.fixture
def saved(tmp_path):
    """Save the sample arrays with some replaced (None leaves one out), and return the dataset."""

    def save(**changes):
        arrays = {key: value for key, value in (sample_arrays() | changes).items() if value is not None}
        np.savez_compressed(tmp_path / "mine.npz", **arrays)
        return Arrays(path=str(tmp_path / "mine.npz"))

    return save


def test_integer_targets_make_a_classification(saved):
    dataset = saved()
    spec, data = dataset.spec(FOLDER), dataset.load(FOLDER)
    assert (spec.task, spec.outputs, spec.input_shape, spec.train_samples) == ("classification", 3, (5,), 12)
    assert spec.target_loss == pytest.approx(0.25 * math.log(3))
    assert np.array_equal(data.train.x.numpy(), sample_arrays()["x_train"].astype(np.float32))
    assert (data.test.y.dtype, data.test.y.tolist()) == (torch.int64, [0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(("shape", "outputs"), [((12,), 1), ((12, 1), 1), ((12, 4), 4)])
def test_floating_point_targets_make_a_regression_with_standardized_targets(saved, shape, outputs):
    y = np.random.default_rng(1).normal(5, 3, size=shape)
    dataset = saved(y_train=y, y_test=y[:6])
    spec, data = dataset.spec(FOLDER), dataset.load(FOLDER)
    assert (spec.task, spec.outputs, spec.target_loss) == ("regression", outputs, 0.5)
    assert np.array_equal(data.train.y.numpy(), y.reshape(12, outputs).astype(np.float32))
    done = standardised(data).train.y.double().numpy()
    assert np.allclose(done.mean(0), 0, atol=1e-6)
    assert np.allclose(done.var(0), 1, atol=1e-5)


@pytest.mark.parametrize(("shape", "expected"), [((7, 6), (1, 7, 6)), ((3, 7, 6), (3, 7, 6)), ((4,), (4,))])
def test_images_may_come_with_or_without_a_channel(saved, shape, expected):
    dataset = saved(x_train=np.zeros((12, *shape), np.uint8), x_test=np.ones((6, *shape), np.uint8))
    assert dataset.spec(FOLDER).input_shape == expected
    assert dataset.load(FOLDER).test.x.shape == (6, *expected)


@pytest.mark.parametrize("dtype", ["?", "u1", "<i2", ">i4", "i8", "u8", "f2", ">f4", "f8"])
def test_real_inputs_of_any_type_are_read(saved, dtype):
    x = np.arange(60).reshape(12, 5).astype(dtype)
    assert saved(x_train=np.asfortranarray(x), x_test=x[:6]).load(FOLDER).train.x.tolist() == x.astype(float).tolist()


def test_labels_may_be_a_column_and_bools_are_two_classes(saved):
    assert saved(y_train=(np.arange(12) % 3)[:, None]).spec(FOLDER).outputs == 3
    assert saved(y_train=np.arange(12) % 2 == 0, y_test=np.zeros(6, bool)).spec(FOLDER).outputs == 2


def test_the_fingerprint_is_the_hash_of_the_file(saved):
    dataset = saved()
    first = dataset.fingerprint(FOLDER)
    assert first == hashlib.sha256(Path(dataset.path).read_bytes()).hexdigest()
    assert saved(y_test=np.zeros(6, int)).fingerprint(FOLDER) != first


def with_value(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


SAMPLE = sample_arrays()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "has no array 'y_test'; it holds x_train, y_train, x_test, and needs x_train, y_train"),
        ({"x_train": None, "X_train": SAMPLE["x_train"]}, r"has no array 'x_train'; is it 'X_train'\?"),
        ({"x_train": np.zeros(12)}, r"'x_train' has shape \(12,\), expected \[N, features\]"),
        ({"x_train": np.zeros((12, 0))}, "no size being 0"),
        ({"x_train": np.zeros((12, 8, 8, 3))}, r"looks like channels last.* save x_train.transpose\(0, 3, 1, 2\)"),
        ({"x_test": np.zeros((6, 4))}, r"one sample has shape \(5,\) in x_train but \(4,\) in x_test"),
        ({"y_train": np.zeros(11, int)}, "12 samples in x_train but 11 targets in y_train"),
        ({"y_train": np.zeros((12, 2, 2))}, r"'y_train' has shape \(12, 2, 2\), expected \[N\] or \[N, values\]"),
        ({"y_train": np.eye(12, 3, dtype=int)}, r"of one-hot rows, save y_train.argmax\(1\)"),
        ({"x_train": SAMPLE["x_train"] + 1j}, "'x_train' has type complex128, expected integers or real numbers"),
        ({"y_train": np.array(["a", "b", "c"] * 4)}, "'y_train' has type <U1, expected integers or real"),
        ({"y_train": np.array([None] * 12)}, "'y_train' holds Python objects"),
        ({"x_train": with_value(SAMPLE["x_train"], (3, 2), np.nan)}, r"x_train\[3, 2\] is nan"),
        ({"x_test": with_value(SAMPLE["x_test"], (0, 1), 1e39)}, r"x_test\[0, 1\] is 1e\+39; .* finite in float32"),
        ({"y_train": np.full(12, np.inf), "y_test": np.zeros(6)}, r"y_train\[0\] is inf"),
        (
            {"y_train": np.array([0, 1, 3] * 4)},
            "has class 3 but no class 2; the 3 classes must be numbered from 0 to 2",
        ),
        ({"y_train": np.array([1, 2, 3] * 4)}, "has class 1 but no class 0"),
        ({"y_train": np.array([-1, 0, 1] * 4)}, "has class -1 but no class 0"),
        ({"y_train": np.array([0, 1, 2**63] * 4, np.uint64)}, "has class 9223372036854775808 but no class 2"),
        ({"y_train": np.zeros(12, int)}, "'y_train' has one class only"),
        ({"y_test": np.array([0, 1, 2, 0, 1, 7])}, "'y_test' has class 7, which y_train has not"),
        ({"y_test": np.zeros(6)}, "has class numbers, the other floating-point values"),
        ({"y_train": np.zeros((12, 2)), "y_test": np.zeros((6, 3))}, "2 values in y_train but 3 in y_test"),
    ],
)
def test_each_fault_has_its_message(saved, changes, message):
    with pytest.raises(DatasetError, match=message):
        saved(**changes).load(FOLDER)


def test_a_spec_finds_gaps_in_the_classes_too(saved):
    with pytest.raises(DatasetError, match="no class 2"):
        saved(y_train=np.array([0, 1, 3] * 4)).spec(FOLDER)


@pytest.mark.parametrize("call", [Arrays.spec, Arrays.fingerprint, Arrays.load])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.npz", r"cannot read nowhere.npz: No such file or directory"),
        ("/", "cannot read /: Is a directory"),
        ("a\0b", "null byte"),
        ("~nobody-of-that-name/x.npz", "Could not determine home"),
    ],
)
def test_a_path_that_cannot_be_read_is_named(call, path, message):
    with pytest.raises(DatasetError, match=message):
        call(Arrays(path=path), FOLDER)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an .npz archive"),
        (b"\x93NUMPY\1\0", "is not an .npz archive"),
        (b"PK\5\6" + bytes(18), "needs x_tr"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, content, message):
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        Arrays(path=str(tmp_path / "mine.npz")).load(FOLDER)


def test_a_truncated_archive_is_refused(saved):
    dataset = saved()
    whole = Path(dataset.path).read_bytes()
    for length in range(0, len(whole), 37):
        Path(dataset.path).write_bytes(whole[:length])
        with pytest.raises(DatasetError, match="npz archive, or it was cut short"):
            dataset.load(FOLDER)


def forged(announced, body, compression=zipfile.ZIP_DEFLATED):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": announced})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as file:
        file.writestr("x.npy", header.getvalue() + body)
    return archive


@pytest.mark.parametrize("announced", [(10**12,), (2**62, 8), (3,), (1,), (-1, -2)])
def test_a_header_that_lies_about_its_shape_is_refused_before_memory_is_taken(announced):
    with (
        NpzReader(forged(announced, bytes(16)), "forged") as npz,
        pytest.raises(DatasetError, match="size of the data"),
    ):
        npz.array("x")


def test_a_compression_that_numpy_does_not_write_is_refused():
    with (
        NpzReader(forged((2,), bytes(16), zipfile.ZIP_BZIP2), "forged") as npz,
        pytest.raises(DatasetError, match="compressed in a way that NumPy does not write"),
    ):
        npz.header("x")


def test_a_wrong_checksum_is_found():
    archive = forged((2,), bytes(16), zipfile.ZIP_STORED)
    content = bytearray(archive.getvalue())
    content[content.index(b"\n") + 3] ^= 1  # within the values, which follow the header's newline
    with NpzReader(io.BytesIO(content), "flipped") as npz, pytest.raises(DatasetError, match="Bad CRC-32"):
        npz.array("x")


def archive_bytes(compressed):
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **sample_arrays())
    return stream.getvalue()


WHOLE = {compressed: archive_bytes(compressed) for compressed in (True, False)}


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    compressed=st.booleans(),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_no_damage_raises_anything_but_a_dataset_error(compressed, flips):
    content = bytearray(WHOLE[compressed])
    for place, value in flips:
        content[place % len(content)] = value
    try:
        with NpzReader(io.BytesIO(content), "fuzz") as npz:
            sizes = {name: npz.array(name).nbytes for name in npz.names}
    except DatasetError as error:
        assert str(error).startswith("fuzz")  # noqa: PT017 - some damage is harmless
    else:
        assert sum(sizes.values()) <= 1032 * len(content)
