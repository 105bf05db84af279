"""Provenance as a table."""

from initbench.report.provenance import rows


def test_what_is_nested_gets_dotted_names_lists_become_text_and_nothing_is_a_dash():
    found = rows({"initbench": "0.1.0", "versions": {"torch": "2.7", "cuda": None}, "command": ["run", "a.yaml"]})
    assert found == [
        ("initbench", "0.1.0"),
        ("versions.torch", "2.7"),
        ("versions.cuda", "–"),
        ("command", "run a.yaml"),
    ]
