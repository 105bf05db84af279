"""Downloads over the loopback interface: what goes right, and each way of going wrong."""

import errno
import os

import pytest
from offered import sending
from typer.testing import CliRunner

from initbench.cli import app
from initbench.datasets import DatasetError, DownloadError, _download, fetch

NOWHERE = "http://127.0.0.1:1/"  # port 1 is reserved: the connection is refused


def silent(file, done):
    pass


def everything_under(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def failure(source, folder, mirrors, watch=silent):
    with pytest.raises(DownloadError) as caught:
        fetch(source, folder, mirrors, watch)
    return str(caught.value)


def test_files_are_unzipped_into_the_layout_of_torchvision(tiny, server, tmp_path):
    downloaded = fetch(tiny.source, tmp_path, [server.offers("good", tiny.zipped)], silent)
    assert [file.name for file in downloaded] == list(tiny.contents)
    assert {path.name: path.read_bytes() for path in (tmp_path / "Tiny" / "raw").iterdir()} == tiny.contents


def test_the_watch_sees_every_file_to_its_last_byte(tiny, server, tmp_path):
    seen = {}
    fetch(
        tiny.source, tmp_path, [server.offers("good", tiny.zipped)], lambda file, done: seen.update({file.name: done})
    )
    assert seen == {file.name: file.zipped_size for file in tiny.source.files}


def test_files_that_are_right_are_not_fetched_again(tiny, server, tmp_path):
    mirror = server.offers("good", tiny.zipped)
    fetch(tiny.source, tmp_path, [mirror], silent)
    (tmp_path / "Tiny" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    server.asked.clear()
    assert [file.name for file in fetch(tiny.source, tmp_path, [mirror], silent)] == ["t10k-labels-idx1-ubyte"]
    assert server.asked == ["/good/t10k-labels-idx1-ubyte.gz"]
    assert fetch(tiny.source, tmp_path, [], silent) == []


def test_a_damaged_copy_is_replaced(tiny, server, tmp_path):
    mirror = server.offers("good", tiny.zipped)
    fetch(tiny.source, tmp_path, [mirror], silent)
    images = tmp_path / "Tiny" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    fetch(tiny.source, tmp_path, [mirror], silent)
    assert images.read_bytes() == tiny.contents[images.name]


def test_the_next_mirror_is_asked_when_one_lacks_the_file_and_then_stays_first(tiny, server, tmp_path):
    mirrors = [server.address("empty"), server.offers("good", tiny.zipped)]
    fetch(tiny.source, tmp_path, mirrors, silent)
    assert server.asked == ["/empty/train-images-idx3-ubyte.gz", *(f"/good/{name}.gz" for name in tiny.contents)]


def test_a_mirror_is_a_folder_with_or_without_the_last_slash(tiny, server, tmp_path):
    mirror = server.offers("good", tiny.zipped).rstrip("/")
    assert len(fetch(tiny.source, tmp_path, [mirror], silent)) == 4


def test_redirects_are_followed(tiny, server, tmp_path):
    good = server.offers("good", tiny.zipped)
    for name in tiny.zipped:
        server.answers[f"/moved/{name}.gz"] = sending(b"", status=302, Location=f"{good}{name}.gz")
    fetch(tiny.source, tmp_path, [server.address("moved")], silent)
    assert tiny.source.damaged(tmp_path) == []


@pytest.mark.parametrize("place", ["file://{folder}/", "ftp://127.0.0.1:1/", "data:application/gzip,"])
def test_neither_a_mirror_nor_a_redirect_leads_to_anything_but_http(tiny, server, tmp_path, place):
    """A file on this machine that has the right content would pass every check of its own."""
    name = "train-images-idx3-ubyte"
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / f"{name}.gz").write_bytes(tiny.zipped[name])
    address = place.format(folder=tmp_path / "local")
    server.answers[f"/moved/{name}.gz"] = sending(b"", status=302, Location=f"{address}{name}.gz")
    for mirror in (address, server.address("moved")):
        message = failure(tiny.source, tmp_path / "data", [mirror])
        assert any(words in message for words in ("unknown url type", "302", "Connection refused"))
    assert everything_under(tmp_path / "data") == []


def test_a_server_that_drips_is_given_up(tiny, server, tmp_path, monkeypatch):
    def dripping(request):
        request.send_response(200)
        request.end_headers()
        try:
            while not server.finished.wait(0.02):
                request.wfile.write(b"x")
        except OSError:
            pass  # the client hung up, as it should

    monkeypatch.setattr(_download, "TIMEOUT", 0.2)
    monkeypatch.setattr(_download, "SLOWEST", 1000.0)
    server.answers["/slow/train-images-idx3-ubyte.gz"] = dripping
    assert "it sends less than 1000 bytes a second" in failure(tiny.source, tmp_path, [server.address("slow")])
    assert everything_under(tmp_path) == []


def test_what_a_server_says_is_no_command_to_the_terminal(tiny, server, tmp_path):
    def rude(request):
        request.send_response(404, "\x1b[2J\x1b]0;owned\x07")
        request.end_headers()

    server.answers["/rude/train-images-idx3-ubyte.gz"] = rude
    told = CliRunner().invoke(
        app, ["data", "fetch", "mnist", "--mirror", server.address("rude"), "--data-dir", str(tmp_path)]
    )
    assert told.exit_code == 3
    assert "\x1b" not in told.output


def test_each_mirror_that_failed_is_named_with_its_reason(tiny, server, tmp_path):
    message = failure(tiny.source, tmp_path, [NOWHERE, server.address("empty")])
    assert message.splitlines() == [
        "could not download train-images-idx3-ubyte.gz; tried",
        f"  {NOWHERE}train-images-idx3-ubyte.gz: Connection refused",
        f"  {server.address('empty')}train-images-idx3-ubyte.gz: the server answered 404 Not Found",
    ]
    assert everything_under(tmp_path) == []


def test_a_wrong_hash_is_refused(tiny, server, tmp_path):
    body = bytearray(tiny.zipped["train-images-idx3-ubyte"])
    body[-1] ^= 1
    mirror = server.offers("forged", {"train-images-idx3-ubyte": bytes(body)})
    assert "it is not the published file: sha256" in failure(tiny.source, tmp_path, [mirror])
    assert everything_under(tmp_path) == []


def test_a_body_that_ends_early_is_refused(tiny, server, tmp_path):
    body = tiny.zipped["train-images-idx3-ubyte"]
    server.answers["/cut/train-images-idx3-ubyte.gz"] = sending(body[:50], Content_Length=str(len(body)))
    message = failure(tiny.source, tmp_path, [server.address("cut")])
    assert f"it ended after 50 of {len(body)} bytes" in message
    assert everything_under(tmp_path) == []


def test_a_body_that_never_ends_is_cut_off(tiny, server, tmp_path):
    def endless(request):
        request.send_response(200)
        request.end_headers()
        try:
            while not server.finished.is_set():
                request.wfile.write(bytes(_download.BLOCK))
        except OSError:
            pass  # the client hung up, as it should

    server.answers["/endless/train-images-idx3-ubyte.gz"] = endless
    assert "not the published file" in failure(tiny.source, tmp_path, [server.address("endless")])


def test_a_server_that_does_not_answer_is_given_up(tiny, server, tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", 0.2)
    server.answers["/mute/train-images-idx3-ubyte.gz"] = lambda request: server.finished.wait(10)
    assert "no answer within 0.2 seconds" in failure(tiny.source, tmp_path, [server.address("mute")])
    assert everything_under(tmp_path) == []


def test_an_interrupted_download_leaves_nothing_and_keeps_what_was_complete(tiny, server, tmp_path):
    def interrupt(file, done):
        if file.name == "t10k-images-idx3-ubyte":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(tiny.source, tmp_path, [server.offers("good", tiny.zipped)], interrupt)
    assert everything_under(tmp_path / "Tiny" / "raw") == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]


def test_an_interrupted_replacement_keeps_the_old_file(tiny, server, tmp_path):
    images = tmp_path / "Tiny" / "raw" / "train-images-idx3-ubyte"
    images.parent.mkdir(parents=True)
    images.write_bytes(b"damaged, but mine")
    failure(tiny.source, tmp_path, [server.address("empty")])
    assert images.read_bytes() == b"damaged, but mine"
    assert everything_under(images.parent) == [images.name]


def test_a_file_in_place_of_the_data_folder_is_reported_before_anything_is_asked_for(tiny, server, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DatasetError, match=r"cannot write into .*raw: Not a directory") as caught:
        fetch(tiny.source, tmp_path / "data", [server.offers("good", tiny.zipped)], silent)
    assert not isinstance(caught.value, DownloadError)
    assert server.asked == []


def test_a_read_only_folder_is_reported_before_anything_is_asked_for(tiny, server, tmp_path, monkeypatch):
    def refused(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "open", refused)  # chmod does not stop root
    with pytest.raises(DatasetError, match=r"cannot write into .*raw: Permission denied"):
        fetch(tiny.source, tmp_path, [server.offers("good", tiny.zipped)], silent)
    assert server.asked == []


def test_a_full_disk_leaves_nothing(tiny, server, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = failure(tiny.source, tmp_path, [server.offers("good", tiny.zipped)])
    assert message == f"could not write {tmp_path}/Tiny/raw/train-images-idx3-ubyte: No space left on device"
    assert everything_under(tmp_path) == []
