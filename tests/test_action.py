"""The composite GitHub Action: its last step, run by bash with a stand-in for initbench."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ACTION = yaml.safe_load((Path(__file__).parent.parent / "action.yml").read_text())
CHECK = ACTION["runs"]["steps"][-1]


@pytest.fixture
def ran(tmp_path):
    """Run the step with some inputs; what ``initbench`` was called with."""
    stand_in = tmp_path / "initbench"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$TOLD"\nexit 1\n')
    stand_in.chmod(0o755)

    def run(**inputs):
        defaults = {name: values.get("default", "") for name, values in ACTION["inputs"].items()}
        given = {**defaults, **inputs}
        variables = {name: given[text.split(".")[1].split(" ")[0]] for name, text in CHECK["env"].items()}
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told"), **variables}
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", CHECK["run"]], env=environment, check=False)
        return done.returncode, (tmp_path / "told").read_text().splitlines()

    return run


def test_the_exit_code_of_the_check_is_that_of_the_step(ran):
    code, told = ran(config="ci.yaml", baseline="ci.json")
    assert code == 1
    assert told == [
        *("check", "ci.yaml", "--baseline", "ci.json", "--margin", "10%"),
        *("--junit", "initbench.xml", "--only-changed", "--quiet"),
    ]


def test_a_baseline_may_be_left_out_and_options_are_passed_on(ran):
    _, told = ran(config="ci.yaml", options="--strict --metrics loss_area")
    assert "--baseline" not in told
    assert told[-3:] == ["--strict", "--metrics", "loss_area"]


def test_no_input_is_run_as_code(ran, tmp_path):
    _, told = ran(config=f"$(touch {tmp_path}/pwned)", options="; touch pwned")
    assert not (tmp_path / "pwned").exists()
    assert told[1] == f"$(touch {tmp_path}/pwned)"


def test_no_step_puts_an_expression_into_a_script():
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 2
    assert not any("${{" in script for script in scripts)
