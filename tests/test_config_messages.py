"""Bad input is told in one line: file and line, key, what was found, what was expected, the nearest name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from initbench.config import ConfigError, load, load_text

MANY = list(range(1, 200))
SEEDS = "an integer >= 1 or a list of integers >= 0"
SCHEMES = "found nothing, expected the schemes to compare, such as 'init: [he, xavier]'"
NAME_RULE = "a name is a folder's: letters, digits, blanks and _.+=-, no path, no dot at either end"

MESSAGES = {
    # what is not YAML, or not a config
    "init: [he\n": "x.yaml:2: column 1: not valid YAML: expected ',' or ']', but got '<stream end>'",
    "init: he\n\tx: 1\n": "x.yaml:2: column 1: not valid YAML: found character '\\t' that cannot start any token; "
    "indent with spaces, not tabs",
    "init: [normal[std=1]]\n": "x.yaml:1: column 14: not valid YAML: expected ',' or ']', but got '['; "
    'put inline options in quotes: "normal[std=0.01]"',
    "init: *he\n": "x.yaml:1: column 7: not valid YAML: found undefined alias 'he'",
    "init: he\n---\ninit: he\n": "x.yaml:2: column 1: not valid YAML: but found another document; "
    "a config is one document",
    "- he\n": "x.yaml:1: found a list, expected 'key: value' lines such as 'init: he'",
    "he\n": "x.yaml:1: found the text 'he', expected 'key: value' lines such as 'init: he'",
    "# nothing\n": "x.yaml:1: the file is empty, expected at least 'init: he'",
    "init: he\ninit: xavier\n": "x.yaml:2: init: given twice, first on line 1",
    "init: !!python/name:os.system he\n": "x.yaml:1: init: found the tag 'tag:yaml.org,2002:python/name:os.system', "
    "expected none",
    "? [a]\n: 1\n": "x.yaml:1: found a list or mapping as a key, expected a name",
    # keys
    "seeds: 3\n": f"x.yaml:1: init: {SCHEMES}",
    "init: he\nnetwrok: mlp\n": "x.yaml:2: netwrok: unknown key; did you mean network?",
    "init: he\nnetwork: {name: mlp, depht: 3}\n": "x.yaml:2: network.depht: unknown option; did you mean depth?",
    "init: he\nactivation: {name: relu, x: 3}\n": "x.yaml:2: activation.x: unknown option; there are none",
    # components
    "init: hee\n": "x.yaml:1: init: found 'hee', expected an init; did you mean he?",
    "init: [he,\n  xaver]\n": "x.yaml:2: init[1]: found 'xaver', expected an init; did you mean xavier?",
    "init: []\n": "x.yaml:1: init: found an empty list, expected the name of an init, such as he, "
    "or a list of at least one",
    "init:\n": "x.yaml:1: init: found null, expected the name of an init, such as he",
    "init: he\nnetwork: 3\n": "x.yaml:2: network: found 3, expected the name of a network, such as mlp",
    "init: he\nnetwork: {depth: 3}\n": "x.yaml:2: network.name: found none, "
    "expected the name of a network, such as mlp",
    "init: he\noptimizer: {name: null}\n": "x.yaml:2: optimizer.name: found null, "
    "expected the name of an optimizer, such as sgd",
    "init: he\nnetwork: {name: mlp, dept: [3, 4, 5]}\n": "x.yaml:2: network.dept: unknown option; did you mean depth?",
    "init: he\nnetwork: cnn[width=8]\n": "x.yaml:2: network.width: unknown option; "
    "known: depth, channels, kernel, strides, padding, head, norm, dropout",
    "init: he\noptimizer: {name: sgd, lr: atuo}\n": "x.yaml:2: optimizer.lr: found 'atuo', "
    "expected a number > 0 or auto; did you mean auto?",
    "init: he\noptimizer: adam[lr=fast]\n": "x.yaml:2: optimizer.lr: found 'fast', expected a number > 0 or auto",
    "init: [he, kaiming]\n": "x.yaml:1: init[1]: found he twice, first in init[0] (x.yaml:1); once is enough",
    "init: he_uniform[distribution=normal]\n": "x.yaml:1: init.distribution: he_uniform already sets distribution to "
    "uniform; use he",
    "init: normal[std=0.01\n": "x.yaml:1: init: 'normal[std=0.01' ends too early, expected ']'",
    # options
    "init: normal\n": "x.yaml:1: init.std: found nothing, expected a number > 0",
    "init: normal[std=-1]\n": "x.yaml:1: init.std: found -1, expected a number > 0",
    "init: normal[std=.nan]\n": "x.yaml:1: init.std: found .nan, expected a finite number > 0",
    "init:\n- he\n- name: he\n  mode: fan_inn\n": "x.yaml:4: init[1].mode: found 'fan_inn', "
    "expected fan_in or fan_out; did you mean fan_in?",
    "init: he\nnetwork:\n  name: mlp\n  depth: -3\n": "x.yaml:4: network.depth: found -3, "
    "expected an integer >= 1 or null",
    "init: he\nnetwork: {name: mlp, depth: [3, x]}\n": "x.yaml:2: network.depth[1]: found 'x', "
    "expected an integer >= 1 or null",
    'init: he\nnetwork: {name: cnn, channels: "30"}\n': "x.yaml:2: network.channels: found '30', "
    "expected an integer >= 1",
    "init: he\nnetwork: {name: cnn, channels: true}\n": "x.yaml:2: network.channels: found true, "
    "expected an integer >= 1",
    "init: he\nnetwork: {name: cnn, channels: 3.0}\n": "x.yaml:2: network.channels: found 3.0, "
    "expected an integer >= 1",
    "init: he\nnetwork: {name: mlp, depth: []}\n": "x.yaml:2: network.depth: found an empty list, "
    "expected at least one value",
    "init: he\nnetwork: {name: mlp, hidden: [8, 0]}\n": "x.yaml:2: network.hidden: found [8, 0], "
    "expected a list of integers >= 1 or null",
    "init: he\nnetwork: {name: cnn, kernel: 4}\n": "x.yaml:2: network.kernel: found 4: an even kernel has no centre; "
    "give an odd number",
    # the recipe
    "init: he\nbatch_size: 0\n": "x.yaml:2: batch_size: found 0, expected an integer >= 1",
    "init: he\ngrad_clip: [1, 1.0]\n": "x.yaml:2: grad_clip[1]: found 1.0 twice, first in grad_clip[0] (x.yaml:2); "
    "once is enough",
    "init: he\ndtype: float46\n": "x.yaml:2: dtype: found 'float46', expected float32 or float64; "
    "did you mean float64 or float32?",
    "init: he\ndevice: [cpu]\n": "x.yaml:2: device: found ['cpu'], expected auto, cpu, cuda or mps",
    "init: he\nepochs: 3\nsteps: 10\n": "x.yaml:3: steps: found steps beside epochs (x.yaml:2), expected one of them",
    "init: he\nepochs: [1, null]\n": "x.yaml:2: epochs: found null, expected an integer >= 1 in a list",
    # seeds
    "init: he\nseeds: 0\n": f"x.yaml:2: seeds: found 0, expected {SEEDS} or a mapping with init and data",
    "init: he\nseeds: [1, 2, 1]\n": "x.yaml:2: seeds: found the seed 1 twice; once is enough",
    "init: he\nseeds: {init: 5}\n": f"x.yaml:2: seeds.data: found nothing, expected {SEEDS}",
    "init: he\nseeds: {init: 5, data: 3}\ndata_seed: 1\n": "x.yaml:3: data_seed: found 1 beside crossed seeds "
    "(x.yaml:2), expected one of them",
    # when to look, and what for
    "init: he\nlog_every: 0\n": "x.yaml:2: log_every: found 0, expected an integer >= 1",
    "init: he\nprobe: [0, lst]\n": "x.yaml:2: probe: found [0, 'lst'], expected powers or none or a list of "
    "integers >= 0 or last",
    "init: he\ntarget: 0.5\n": "x.yaml:2: target: found 0.5, expected a mapping with metric and value",
    "init: he\ntarget: {metric: test_acuracy, value: 0.9}\n": "x.yaml:2: target.metric: found 'test_acuracy', "
    "expected train_loss, test_loss or test_accuracy; did you mean test_accuracy?",
    "init: he\ntarget: {metric: test_accuracy, value: 95}\n": "x.yaml:2: target.value: found 95, "
    "expected an accuracy > 0 and <= 1",
    "init: he\ntarget: {metric: test_loss}\n": "x.yaml:2: target.value: found nothing, expected a number > 0",
    # parts that do not fit together
    "init: he\nbatch_size: 20000\n": "x.yaml:2: batch_size: found 20000, "
    "expected at most the 10000 training samples of mnist_10k",
    "init: he\nnetwork: {name: mlp, norm: batch}\nbatch_size: [1, 64]\n": "x.yaml:3: batch_size: found 1, "
    "expected at least 2, since mlp[depth=5,width=128,norm=batch] normalizes over the batch",
    "init: he\ndataset: {name: synthetic, features: 8}\nnetwork: cnn\n": "x.yaml:3: network: cnn on "
    "synthetic[features=8]: cnn reads images of shape [channels, height, width], not inputs of shape [8]",
    "init: he\ndataset: {name: arrays, path: nowhere.npz}\n": "x.yaml:2: dataset: cannot read nowhere.npz: "
    "No such file or directory",
    # what would leave the results folder
    "init: he\nname: ../../etc\n": f"x.yaml:2: name: found '../../etc': {NAME_RULE}",
    "init: he\nname: .hidden\n": f"x.yaml:2: name: found '.hidden': {NAME_RULE}",
}


def problems_of(text: str, overrides: tuple[str, ...] = (), origin: str = "x.yaml") -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(text, origin, overrides)
    return str(caught.value)


@pytest.mark.parametrize(("text", "message"), MESSAGES.items(), ids=[text.strip()[:40] for text in MESSAGES])
def test_bad_input_is_told_in_one_line(text: str, message: str) -> None:
    assert problems_of(text) == message


def test_several_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    told = problems_of("init: [he, hee]\nnetwork: {name: mlp, depth: 0, width: x}\nseeds: no\nepoch: 3\n")
    assert told.splitlines() == [
        "x.yaml:1: init[1]: found 'hee', expected an init; did you mean he?",
        "x.yaml:2: network.depth: found 0, expected an integer >= 1 or null",
        "x.yaml:2: network.width: found 'x', expected an integer >= 1 or null",
        f"x.yaml:3: seeds: found 'no', expected {SEEDS} or a mapping with init and data",
        "x.yaml:4: epoch: unknown key; did you mean epochs?",
    ]


def test_accuracy_is_no_target_in_a_regression(tmp_path: Path) -> None:
    x = np.linspace(0, 1, 40, dtype=np.float32).reshape(20, 2)
    arrays = {"x_train": x, "y_train": x[:, :1], "x_test": x, "y_test": x[:, :1]}
    path = tmp_path / "curve.npz"
    np.savez(path, **arrays)
    text = f"init: he\ndataset: {{name: arrays, path: {path}}}\nbatch_size: 5\n"
    told = problems_of(text + "target: {metric: test_accuracy, value: 0.9}\n")
    assert told.startswith("x.yaml:4: target.metric: found 'test_accuracy', expected train_loss or test_loss: arrays[")
    assert load_text(text, "x.yaml").target.metric == "train_loss"


@pytest.mark.parametrize(
    ("override", "message"),
    {
        "network.depth=-3": "network.depth: found -3, expected an integer >= 1 or null",
        "network.depht=3": "network.depht: unknown option; did you mean depth?",
        "init=he,xaver": "init[1]: found 'xaver', expected an init; did you mean xavier?",
        "init=he[": "init: 'he[' ends too early, expected option=value",
        "seed=3": "seed: unknown key; did you mean seeds or data_seed?",
        "depth": "expected key=value, such as network.depth=10,20",
        "network.name=cnn": "network.name: expected network.option=value, or network=name",
        "seeds=0,0": "seeds: found the seed 0 twice; once is enough",
        "seedz.init=3": "seedz: unknown key; did you mean seeds?",
        "target.value=x": "target.value: found 'x', expected a number > 0",
    }.items(),
)
def test_an_override_is_named_instead_of_a_line(override: str, message: str) -> None:
    assert problems_of("init: he\nnetwork: {name: mlp, depth: 4}\n", (override,)) == f"--set {override}: {message}"


@pytest.mark.parametrize(
    ("name", "message"),
    {
        "deep_rleu": "deep_rleu: no such file; did you mean deep_relu?",
        "mine.yam": "mine.yam: no such file; did you mean mine.yaml?",
        "folder": "folder: is a directory, expected a YAML file; did you mean folder/inner.yaml?",
        "folder/iner.yaml": "folder/iner.yaml: no such file; did you mean folder/inner.yaml?",
        "nowhere/x.yaml": "nowhere/x.yaml: no such file",
        "zero\0byte": "'zero\\x00byte': no such file",
        "latin1.yaml": "latin1.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8",
        "huge.yaml": "huge.yaml: larger than 256 KiB, which no config needs",
        "not a name!.yaml": f"not a name!.yaml:1: name: found 'not a name!': {NAME_RULE}",
    }.items(),
)
def test_a_file_that_cannot_be_read_is_told_with_the_nearest_name(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for path in ("mine.yaml", "folder/inner.yaml", "not a name!.yaml"):
        Path(path).write_text("init: he\n")
    Path("latin1.yaml").write_bytes("init: he\n# Z\u00e9ro\n".encode("latin-1"))
    Path("huge.yaml").write_text("#" * 300_000)
    with pytest.raises(ConfigError) as caught:
        load(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    {
        "alias bomb": "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "a list that holds itself": "init: &a [*a]\n",
        "deep nesting": "init: " + "[" * 5000,
        "a long product": f"init: he\nnetwork: {{name: mlp, depth: {MANY}, width: {MANY}}}",
        "a depth beyond reason": "init: he\nnetwork: {name: mlp, depth: 1000000000}\n",
        "a width beyond reason": "init: he\nnetwork: {name: mlp, width: 1000000000000}\n",
        "a width beyond integers": "init: he\nnetwork: {name: mlp, width: 100000000000000000000}\n",
        "a count beyond reason": "init: he\nseeds: 1000000000\n",
    }.values(),
)
def test_what_would_grow_without_bound_is_refused(text: str) -> None:
    assert len(problems_of(text).splitlines()) == 1
