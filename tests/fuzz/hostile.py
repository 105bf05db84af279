"""Hostile inputs: sound ones of every kind, changed where it hurts. Strategies for Hypothesis, seeds for coverage."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import archives
import numpy as np
from hypothesis import strategies as st

from initbench.gate.baseline import hash_of
from initbench.gate.metrics import METRICS

ROOT = Path(__file__).parent.parent.parent
CONFIGS = tuple(path.read_bytes() for path in sorted((ROOT / "configs").glob("*.yaml")))
BASELINE = (ROOT / "results" / "baselines" / "ci.json").read_bytes()
SMALL_BASELINE = b"""{"format": "initbench baseline", "version": 1, "name": "ci", "config_hash": "%s",
 "config": ["init: he"], "target": "train_loss 1", "provenance": {"torch": "2.13.0", "threads": 1, "cpu": null},
 "schemes": [{"scheme": "he", "setting": "", "budget": 9, "seeds": [0], "data_seeds": [0], "status": ["finished"],
  "digests": ["0123456789abcdef"], "metrics": {%s}, "layers": {"output": {"grad_variance": [0.1]}}}]}""" % (
    hash_of("init: he\n").encode(),
    ", ".join(f'"{metric}": [0.5]' for metric in METRICS).encode(),
)
MANIFEST = (
    b'{"schema": 1, "name": "demo", "trials": ["a", "b"], "axes": ["init", "network.depth"], '
    b'"target_metric": "train_loss", "target_value": 0.5, "selection_seeds": [1, 2]}'
)
INLINE = (
    *(b"he", b"he,xavier", b"normal[std=0.01,0.1]", b"mlp[hidden=[256,128],[64]]", b'he[ mode = "fan_out" ]'),
    *(b'arrays[path="a, b.npz"]', b"sgd[lr=auto,momentum=0.9]", b"synthetic[shape=[1,8,8],classes=3]"),
    b"normal[std=0.01,[",
)
OVERRIDES = (
    b"network.depth=10,20",
    b"init=[he,normal[std=0.1]]\nseeds.init=3",
    b"optimizer.lr=auto",
    b"target.value=.5",
)

WORDS = (
    *("", "~", "null", "true", "he", "auto", "last", "name", "../../x", "/etc/passwd", "a/b", "\0", "NUL", "-", "."),
    *("\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "\ufeffhe", "<script>", "{{ 7 * 7 }}", "$(reboot)", "%n%s"),
    *("normal[std=0.01,[", "he[" * 30, "1e400", "-1e-400", ".nan", ".inf", "0x10", "9" * 400, "1" * 5000, "x" * 9000),
    *("\U0001f9e8", "e\u0301", "\u2028", "< 1e999", "<" + "1" * 3000 + "x", "!!python/object/apply:os.system"),
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320)
SNIPPETS = (
    *(b"\t", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc2\x85", b"\xed\xa0\x80", b"\r", b"\n---\n", b"...\n"),
    *(b"? ", b"<<: *a\n"),
    *(b"&a ", b"*a", b"&a [*a]", b"!!python/object/apply:os.system [true]", b"!<x>", b"!%ff", b"%YAML 9.9\n"),
    b"%TAG ! !\n",
    *(b"[" * 30, b"{a: " * 30, b"- " * 30, b'"\\UFFFFFFFF"', b'"\\ud800"', b"'", b'"', b"|9\n", b">-\n", b": "),
    *(b"#", b"@", b"`"),
    b"a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\ninit: *e\n",
)

SEEDS: dict[str, tuple[bytes, ...]] = {
    "config": CONFIGS,
    "inline": INLINE,
    "override": OVERRIDES,
    "npz": (
        archives.archive([(f"{key}.npy", value) for key, value in archives.sound().items()], zipfile.ZIP_STORED),
        archives.archive([(f"{key}.npy", value) for key, value in archives.sound().items()]),
        *archives.sound().values(),
    ),
    "idx": (
        struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 2) + bytes(8),
        struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes(4),
        gzip.compress(struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes(4)),
    ),
    "baseline": (SMALL_BASELINE,),
    "manifest": (MANIFEST,),
}

small = st.integers(0, 3)
atoms = (
    st.sampled_from(WORDS) | st.sampled_from(NUMBERS) | st.none() | st.booleans() | st.text(max_size=20) | st.floats()
)
trees = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed_bytes(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A sound input after a few cuts, insertions, repetitions and flipped bytes."""
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        here, there = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        change = draw(st.sampled_from(("cut", "insert", "repeat", "flip", "truncate")))
        if change == "cut":
            content = content[:here] + content[min(there, here + 40) :]
        elif change == "insert":
            content = content[:here] + draw(st.sampled_from(SNIPPETS) | st.binary(max_size=8)) + content[here:]
        elif change == "repeat":
            content = content[:there] + content[here:there][:4000] * draw(small) + content[there:]
        elif change == "flip" and here < len(content):
            content = content[:here] + bytes([content[here] ^ draw(st.integers(1, 255))]) + content[here + 1 :]
        else:
            content = content[:here]
    return content


@st.composite
def changed_tree(draw: st.DrawFn, sound: Any) -> Any:
    """A value of mappings and lists with one part of it replaced, dropped, doubled or renamed."""
    if isinstance(sound, dict) and sound and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(sound)))
        kept = {key: value for key, value in sound.items() if key != name}
        change = draw(st.sampled_from(("inside", "inside", "inside", "drop", "rename", "add")))
        if change == "inside":
            return {**kept, name: draw(changed_tree(sound[name]))}
        if change == "rename":
            return {**kept, draw(st.sampled_from(WORDS)): sound[name]}
        return kept if change == "drop" else {**sound, draw(st.sampled_from(WORDS)): draw(trees)}
    if isinstance(sound, list) and sound and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(sound) - 1))
        change = draw(st.sampled_from(("inside", "inside", "drop", "double")))
        new = {"inside": [draw(changed_tree(sound[at]))], "drop": [], "double": [sound[at]] * 2}[change]
        return [*sound[:at], *new, *sound[at + 1 :]]
    return draw(trees)


def as_json(tree: object) -> bytes:
    """Text in JSON, which is YAML as well; halves of characters stay the escapes that they are."""
    return json.dumps(tree).encode()


NPY_HEADERS = (
    "{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}",
    "{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, 'x': __import__('os').system('true')}}",
    "{{'descr': [('a', '{dtype}')], 'fortran_order': {order}, 'shape': {shape}}}",
    "[" * 90 + "{dtype}{order}{shape}",
)
DTYPES = ("<f4", "<f8", ">f2", "<i8", "|u1", "|b1", "|O", "<U9", "<M8[s]", "<c8", "|V0", "<f16", "nonsense", "|S0")
SHAPES = (
    *("(6, 2)", "(6,)", "()", "(0, 2)", "(-6, 2)", "(4611686018427387904, 2)", "(1000000000000000000000000000000,)"),
    *("(6, 2" + ", 1" * 60 + ")", "(True, 12)", "('6', 2)", "None", "(6.0, 2)"),
)


@st.composite
def npz_files(draw: st.DrawFn) -> bytes:
    """An archive whose arrays are of every type and shape, under headers that may lie and names that may point away."""
    members = [(f"{name}.npy", content) for name, content in archives.sound().items()]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(members) - 1))
        name = draw(
            st.sampled_from((members[at][0], "../../x_train.npy", "/x_train.npy", "x_train", "a\\b", "x" * 300))
        )
        members[at] = (name, draw(forged_arrays() | st.binary(max_size=40) | honest_arrays()))
    whole = archives.archive(
        members, draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)))
    )
    return draw(changed_bytes((whole,))) if draw(st.booleans()) else whole


@st.composite
def forged_arrays(draw: st.DrawFn) -> bytes:
    """An array under a header that somebody else wrote."""
    header = draw(st.sampled_from(NPY_HEADERS)).format(
        dtype=draw(st.sampled_from(DTYPES)), order=draw(st.booleans()), shape=draw(st.sampled_from(SHAPES))
    )
    version = draw(st.sampled_from(((1, 0), (2, 0), (3, 0), (255, 255))))
    length = draw(st.none() | st.sampled_from((0, 1, 65_535, 2**32 - 1)))
    return archives.forged(
        header + "\n", draw(st.sampled_from((b"", bytes(48), bytes(96)))), version=version, length=length
    )


@st.composite
def honest_arrays(draw: st.DrawFn) -> bytes:
    """An array as NumPy writes it, that does not belong where it stands."""
    values = draw(st.sampled_from((np.nan, np.inf, -1.0, 1e300, 0.0, 3.0)))
    shape = draw(st.sampled_from(((6,), (6, 2), (3,), (6, 2, 2), (6, 1, 2, 2), (6, 8, 8, 3), (0, 2), ())))
    dtype = draw(st.sampled_from(("<f4", "<f8", "<i8", "|u1", "|b1", "<c8", "<f2")))
    with np.errstate(all="ignore"):
        return archives.npy(np.full(shape, values).astype(dtype))


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """Images or labels whose header announces what is not there, zipped or not."""
    sizes = draw(st.lists(st.sampled_from((0, 1, 2, 4, 2**16, 2**31, 2**32 - 1)), max_size=4))
    kind = draw(st.sampled_from((8, 9, 0, 255)))
    header = bytes([0, draw(small), kind, draw(st.sampled_from((len(sizes), 1, 3, 255)))])
    content = header + b"".join(struct.pack(">I", size) for size in sizes) + draw(st.binary(max_size=20))
    return gzip.compress(content) if draw(st.booleans()) else content
