"""The IDX parser: the format, and content that lies."""

import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from offered import idx_bytes

from initbench.datasets import DatasetError
from initbench.datasets._idx import parse_idx


def test_the_values_come_back_in_their_shape():
    values = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(parse_idx(idx_bytes(values), dimensions=3, where="here"), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing, not 00000801"),
        (b"\0\0\x08", "begins with 000008, not"),
        (b"\0\0\x08\x03" + bytes(12), "begins with 00000803, not 00000801"),
        (b"\0\0\x0d\x01" + bytes(4), "begins with 00000d01"),
        (b"\0\0\x08\x01\0\0", "is truncated: 6 bytes, its header alone takes 8"),
        (b"\0\0\x08\x01\0\0\0\x05abcd", "is truncated: its header announces 5, 13 bytes; found 12"),
        (b"\0\0\x08\x01\0\0\0\x03abcd", "is too long: its header announces 3, 11 bytes; found 12"),
        (b"\0\0\x08\x01\xff\xff\xff\xffabcd", "is truncated: its header announces 4294967295"),
    ],
)
def test_each_fault_has_its_message(content, message):
    with pytest.raises(DatasetError, match=message):
        parse_idx(content, dimensions=1, where="labels")


@settings(derandomize=True, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 4), min_size=3, max_size=3),
    body=st.binary(max_size=80),
    cut=st.integers(0, 96),
)
@example(sizes=[2**31, 2**31, 4], body=b"", cut=0)  # 2^64 bytes: 0 if sizes were multiplied in 64 bits
def test_no_content_raises_anything_but_a_dataset_error(sizes, body, cut):
    content = (struct.pack(">4B3I", 0, 0, 8, 3, *sizes) + body)[cut:]
    try:
        values = parse_idx(content, dimensions=3, where="fuzz")
    except DatasetError as error:
        assert str(error).startswith("fuzz is ")  # noqa: PT017 - most content is refused, some is not
    else:
        assert values.size == len(body)
