"""Reading published files: where they may lie, and what is refused."""

import gzip

import numpy as np
import pytest

from initbench.datasets import DATASETS, DatasetError, data_folder
from initbench.datasets._published import read_splits


def lay_out(folder, files, ending=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{ending}").write_bytes(content)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_layout_of_torchvision_is_read_zipped_or_not(tiny, tmp_path, ending):
    lay_out(tmp_path / "Tiny" / "raw", tiny.zipped if ending else tiny.contents, ending)
    data = read_splits(tiny.source, tmp_path)
    expected = tiny.arrays["t10k-images-idx3-ubyte"][:, None].astype(np.float32) / np.float32(255)
    assert np.array_equal(data.test.x.numpy(), expected)
    assert data.train.y.tolist() == [0, 1, 2, 0, 1, 2]
    assert tiny.source.missing(tmp_path) == []


def test_another_compression_of_the_same_content_is_accepted(tiny, tmp_path):
    lay_out(tmp_path / "Tiny" / "raw", {name: gzip.compress(c, 1) for name, c in tiny.contents.items()}, ".gz")
    assert tiny.source.damaged(tmp_path) == []


def test_missing_files_say_which_command_gets_them(tmp_path, monkeypatch):
    monkeypatch.setenv("INITBENCH_DATA", str(tmp_path))
    with pytest.raises(
        DatasetError, match=r"mnist needs train-images-idx3-ubyte in .*; run `initbench data fetch mnist`$"
    ):
        DATASETS["mnist"]().load(data_folder())


def test_the_command_names_the_data_folder_where_it_is_not_the_usual_one(tmp_path):
    with pytest.raises(DatasetError, match=rf"run `initbench data fetch fashion_mnist --data-dir {tmp_path}`$"):
        DATASETS["fashion_mnist"]().load(tmp_path)


def damaged(body, fault):
    return {
        "cut": body[: len(body) // 2],
        "empty": b"",
        "longer": body + b"\1",
        "another": body[:-1] + bytes([body[-1] ^ 1]),
    }[fault]


@pytest.mark.parametrize("fault", ["cut", "empty", "longer", "another"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_damaged_file_is_named_with_the_remedy(tiny, tmp_path, fault, ending):
    files = dict(tiny.zipped if ending else tiny.contents)
    files["t10k-images-idx3-ubyte"] = damaged(files["t10k-images-idx3-ubyte"], fault)
    lay_out(tmp_path / "Tiny" / "raw", files, ending)
    with pytest.raises(DatasetError, match=rf"t10k-images-idx3-ubyte{ending} .*; run `initbench data fetch tiny"):
        read_splits(tiny.source, tmp_path)
    assert [file.name for file in tiny.source.damaged(tmp_path)] == ["t10k-images-idx3-ubyte"]


def test_no_more_is_unzipped_than_the_file_should_hold(tiny, tmp_path):
    files = {**tiny.zipped, "train-images-idx3-ubyte": gzip.compress(bytes(10_000_000))}
    lay_out(tmp_path / "Tiny" / "raw", files, ".gz")
    with pytest.raises(DatasetError, match="other content"):
        read_splits(tiny.source, tmp_path)


def test_a_spec_and_a_fingerprint_need_no_files(tmp_path):
    mnist, fashion = DATASETS["mnist"](), DATASETS["fashion_mnist"]()
    assert (mnist.spec(tmp_path).input_shape, mnist.spec(tmp_path).train_samples) == ((1, 28, 28), 60_000)
    assert (mnist.spec(tmp_path).target_loss, fashion.spec(tmp_path).target_loss) == (0.5, 0.6)
    assert mnist.fingerprint(tmp_path) != fashion.fingerprint(tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_published_sizes_are_those_that_the_format_implies(name):
    sizes = {file.name: file.size for file in DATASETS[name].source.files}
    assert sizes == {  # a header of 4 bytes and 4 for each dimension, then one byte a pixel or label
        "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
        "train-labels-idx1-ubyte": 8 + 60_000,
        "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
        "t10k-labels-idx1-ubyte": 8 + 10_000,
    }
