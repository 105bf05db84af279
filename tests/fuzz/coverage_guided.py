"""Fuzz by coverage: inputs that reach new code are kept and changed further. Time-boxed; not a part of the tests.

::

    pip install atheris    # not among the extras: it is built for few versions of Python
    python tests/fuzz/coverage_guided.py --seconds 60 --target all

Each target starts from the sound inputs of ``hostile`` and runs in a process of its own. An input that breaks the
promise of ``targets`` ends its target and is saved; move it to ``tests/fuzz/found/TARGET/`` under a name that says what
it is, and the tests will hold the mended reader to it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = ("config", "inline", "override", "npz", "idx", "baseline", "manifest")
LONGEST_INPUT = 4096  # bytes
SECONDS_FOR_ONE = 20  # of one input
MEGABYTES = 3000  # of the process, torch included
INSTRUMENTED = ("initbench", "yaml", "zipfile", "numpy.lib", "json", "gzip")
WORDS = (
    *("init", "network", "activation", "dataset", "optimizer", "schedule", "seeds", "expect", "target", "he", "mlp"),
    "depth",
    *("normal[std=", "arrays[path=", "auto", "descr", "fortran_order", "shape", "<f4", "|O", "config_hash", "schemes"),
    *("target_metric", "train_loss", "!!python/object", "&a ", "*a", "<<: ", "- ", ": ", ".inf", "1e400", "null"),
)


def main() -> int:
    """Fuzz, and return 1 if anything was found."""
    options = _options()
    if options.worker:
        _worker(options.worker, options.rest)
        return 0
    chosen = TARGETS if options.target == "all" else (options.target,)
    found = [_fuzzed(target, options.seconds, options.keep) for target in chosen]
    return int(any(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--target", choices=(*TARGETS, "all"), default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="folder for inputs that do harm")
    parser.add_argument("--worker", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args()


def _fuzzed(target: str, seconds: int, keep: Path) -> list[Path]:
    """Fuzz one target in a process of its own and print what came of it; the inputs that did harm."""
    import hostile

    saved = keep / target
    saved.mkdir(parents=True, exist_ok=True)
    before = set(saved.iterdir())
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        corpus = Path(folder)
        for index, content in enumerate(hostile.SEEDS[target]):
            (corpus / f"seed{index}").write_bytes(content)
        words = corpus.parent / f"{corpus.name}.words"
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        try:
            ended = subprocess.run(
                [
                    *(sys.executable, __file__, "--worker", target, "--", str(corpus)),
                    *(f"-max_total_time={seconds}", f"-timeout={SECONDS_FOR_ONE}", f"-rss_limit_mb={MEGABYTES}"),
                    *(f"-max_len={LONGEST_INPUT}", "-print_final_stats=1", f"-artifact_prefix={saved}/"),
                    *(f"-dict={words}", "-seed=1"),
                ],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        finally:
            words.unlink()
    new = sorted(set(saved.iterdir()) - before)
    lines = [f"{target}: {_figures(ended.stderr)}, {len(new)} that did harm"]
    if new or ended.returncode:
        lines += [_tail(ended.stdout + ended.stderr), *(f"  saved: {path}" for path in new)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return new


def _figures(log: str) -> str:
    inputs = re.search(r"number_of_executed_units:\s*(\d+)", log)
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    edges, features, kept = coverage[-1] if coverage else ("?", "?", "?")
    return f"{inputs[1] if inputs else '?'} inputs, {edges} edges, {features} features, {kept} inputs kept"


def _tail(log: str) -> str:
    """The traceback, if there is one, else the end."""
    traceback = re.search(r"=== Uncaught Python exception: ===\n(.*?)\n==", log, re.DOTALL)
    return traceback[1] if traceback else "\n".join(log.splitlines()[-30:])


def _worker(target: str, rest: list[str]) -> None:
    """What runs inside: libFuzzer, fed with the coverage of the modules that read."""
    import atheris

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        import targets

    def one(content: bytes) -> None:
        targets.outcome(targets.TARGETS[target], content)

    atheris.Setup([sys.argv[0], *rest], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
