"""The pytest plugin, run by pytest's own pytester."""

import subprocess
import sys

import pytest

# pytester forgets what is first imported under it, and compiled modules cannot be loaded twice: so load them before
import scipy.special
import scipy.stats  # noqa: F401

import initbench
import initbench.api

pytest_plugins = ["pytester"]

SMALL = """\
name: small
dataset: {name: synthetic, features: 6, classes: 3, samples: 60, test_samples: 30}
network: {name: mlp, depth: 2, width: 4}
init: [he, xavier]
batch_size: 20
steps: 6
log_every: 2
probe: [0]
seeds: 3
target: {value: 2.0}
"""
HELD = ["--initbench", "small.yaml", "--initbench-baseline", "small.json"]


@pytest.fixture
def project(pytester):
    """A project with a config and its baseline."""
    pytester.path.joinpath("small.yaml").write_text(SMALL)
    initbench.baseline(pytester.path / "small.yaml", pytester.path / "small.json")
    return pytester


def test_every_scheme_and_metric_is_an_item_and_unchanged_code_passes(project):
    result = project.runpytest_inprocess(*HELD, "-v")
    result.assert_outcomes(passed=16)
    listed = project.runpytest_inprocess(*HELD, "--collect-only", "-q").outlines
    assert "small.yaml::he::final_train_loss" in listed
    assert "small.yaml::xavier::grad_variance" in listed


def test_items_can_be_selected_by_name(project):
    result = project.runpytest_inprocess(*HELD, "-k", "xavier and variance")
    result.assert_outcomes(passed=2, deselected=14)


def test_a_regression_fails_its_item_with_a_sentence_and_no_traceback(project):
    project.makeconftest(
        "from initbench.inits.he import He\n"
        "weight = He.weight\n"
        "def pytest_configure():\n"
        "    He.weight = lambda self, site, rng: 0.5 * weight(self, site, rng)\n"
        "def pytest_unconfigure():\n"
        "    He.weight = weight\n"
    )
    result = project.runpytest_inprocess(*HELD, "-k", "he and preact")
    result.assert_outcomes(failed=1, deselected=15)
    result.stdout.fnmatch_lines(
        ["he: pre-activation variance at step 0 left its range in 2 of 2 layers, layer1 first: *"]
    )
    assert "Traceback" not in result.stdout.str()


def test_the_fixture_checks_inside_a_test(project):
    project.makepyfile(
        """
        import pytest

        def test_convergence(initbench_check):
            report = initbench_check("small.yaml", baseline="small.json", margin=0.2)
            assert report.exit_code == 0

        def test_nothing_to_hold_to(initbench_check):
            with pytest.raises(Exception, match="nothing to check"):
                initbench_check("small.yaml")

        def test_what_is_worse_raises(initbench_check, monkeypatch):
            from initbench.inits.he import He
            weight = He.weight
            monkeypatch.setattr(He, "weight", lambda self, site, rng: 0.5 * weight(self, site, rng))
            with pytest.raises(AssertionError, match="left its range in 2 of 2 layers"):
                initbench_check("small.yaml", baseline="small.json")
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=3)


def test_expectations_are_items_without_a_baseline(project):
    project.path.joinpath("small.yaml").write_text(SMALL + "expect: {he: {reached: all, state: diverged}}\n")
    result = project.runpytest_inprocess("--initbench", "small.yaml", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["he: state expected diverged, found *"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--initbench", "none.yaml"], "*none.yaml: no such file*"),
        (["--initbench", "small.yaml"], "*there is nothing to check*"),
        (["--initbench-baseline", "small.json"], "*--initbench-baseline needs --initbench CONFIG*"),
        ([*HELD[:3], "small.yaml"], "*small.yaml:1: not JSON*"),
    ],
)
def test_bad_input_is_a_usage_error(project, arguments, message):
    result = project.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_pytest_does_not_load_torch_or_pandas_for_a_project_that_does_not_ask(tmp_path):
    tmp_path.joinpath("test_none.py").write_text(
        "import sys\n"
        "def test_none(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.hasplugin('initbench')\n"
        "    assert not {'torch', 'pandas', 'scipy', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
