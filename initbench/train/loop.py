"""The only training loop: a stack of trials, in lock-step, from the first probe to the last row.

Step s is the state after s updates. At a step that asks for it the stack is probed and evaluated, then its next batch
is taken. The training loss of a row is the mean over the batches since the last row, each before its update; its
learning rate is that of the update before it (of the first update, at step 0).

What is added up in float64 is added up on the CPU: not every device knows that type.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from initbench.datasets import Split
from initbench.inits import Adjusting
from initbench.optimizers import bare_update
from initbench.plan import Trial
from initbench.records import Records
from initbench.train.batches import Batches
from initbench.train.blueprint import blueprint
from initbench.train.initialise import initialised
from initbench.train.journal import Facts, Journal
from initbench.train.material import Material
from initbench.train.objective import clip_gradients, correct, sample_losses
from initbench.train.prediction import Predictor
from initbench.train.probe import Probe, first_bad_layer
from initbench.train.stack import Stack, stack

LOSS_BOUND = 1e6  # a loss above this, or none at all, is divergence
EVALUATION_BATCH = 1000

Listener = Callable[[int, int, dict[str, float]], None]
"""Told of each row: the step, the last step, and the mean training loss of each scheme's replicas."""


@dataclass(frozen=True)
class Agenda:
    """At which steps something is written down."""

    steps: int
    rows: frozenset[int]
    evaluations: frozenset[int]
    probes: frozenset[int]


def agenda(trial: Trial, per_epoch: int) -> Agenda:
    """The steps at which a trial with ``per_epoch`` batches an epoch is looked at; the last one always is."""
    steps = trial.recipe.total_steps(per_epoch)
    observation = trial.observation
    return Agenda(
        steps=steps,
        rows=frozenset({*range(observation.log_every, steps, observation.log_every), steps}),
        evaluations=frozenset({*range(0, steps, observation.eval_every or per_epoch), steps}),
        probes=frozenset(observation.probe_steps(steps)),
    )


def train(trials: Sequence[Trial], material: Material, device: torch.device, listen: Listener) -> Records:
    """Train alike trials as one stack and return their rows."""
    recipe = trials[0].recipe
    filled = initialised(trials, material)
    material = material.to(device, recipe.torch_dtype)
    networks = [network.to(device, recipe.torch_dtype) for network in filled.networks]
    batches = Batches(material.train, [trial.data_seed for trial in trials], recipe.batch_size)
    schedule = agenda(trials[0], batches.per_epoch)
    facts = Facts(
        steps=schedule.steps,
        parameters=sum(p.numel() for p in networks[0].parameters()),
        outputs=material.spec.outputs,
        task=material.spec.task,
        device=device.type,
    )
    probe = Probe(filled.sites, Split(material.probe.x.unsqueeze(0), material.probe.y.unsqueeze(0)), material.spec.task)
    predictor = Predictor(
        blueprint(networks[0], material.probe.x[:2]),
        filled.sites,
        material.probe.x,
        [trial.init.draws_independently for trial in trials],
    )
    journal = Journal(trials, filled, facts)
    run = _Run(stack(networks, material.probe.x[:2]), probe, predictor, journal, material)
    started = time.perf_counter()
    run.train(batches, schedule, listen)
    return run.journal.records(seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class _Run:
    """One stack on its way through the steps."""

    stack: Stack
    probe: Probe
    predictor: Predictor
    journal: Journal
    material: Material

    def train(self, batches: Batches, agenda: Agenda, listen: Listener) -> None:
        recipe = self.journal.entries[0].trial.recipe
        parameters = list(self.stack.parameters.values())
        optimizer = recipe.optimizer.build(parameters, recipe.weight_decay)
        update = bare_update(optimizer)
        window = _Window(self.stack.replicas)
        rate = recipe.optimizer.lr * recipe.schedule.factor(0, agenda.steps)
        for step in range(agenda.steps + 1):
            metrics = window.close() if step in agenda.rows else {}
            if step in agenda.evaluations:
                metrics |= self._evaluate()
            if metrics:
                self.journal.curve(step, rate, metrics)
            if step in agenda.probes:
                statistics = self.probe.measure(self.stack)
                predicted = self.predictor.columns(self.stack, statistics) if step == 0 else {}
                self.journal.layers(step, self.probe.sites, {**statistics, **predicted})
            self._adjust(step)
            if step in agenda.rows:
                listen(step, agenda.steps, self._losses_by_scheme(metrics["train_loss"]))
            if step == agenda.steps or not any(self.journal.alive):
                break
            rate = recipe.optimizer.lr * recipe.schedule.factor(step, agenda.steps)
            losses = self._gradients(batches[step])
            window.add(losses)
            self._watch(step, losses)
            if recipe.grad_clip is not None:
                clip_gradients(parameters, recipe.grad_clip)
            for group in optimizer.param_groups:
                group["lr"] = rate
            update()
        if any(self.journal.alive):  # the last update may have been the fatal one
            with torch.no_grad():
                losses = self._losses(batches[agenda.steps]).cpu()
            self._watch(agenda.steps, losses)

    def _adjust(self, step: int) -> None:
        """Let the schemes that ask for it re-scale the weights of their own replicas."""
        due = {replica: init for replica, init in self._adjusting.items() if init.adjusts_at(step)}
        if not due:
            return
        statistics = self.probe.measure(self.stack)
        layers = [i for i, site in enumerate(self.probe.sites) if site.weight in self.stack.parameters]
        for replica, init in due.items():
            factors = init.factors({name: values[layers, replica] for name, values in statistics.items()})
            for layer, factor in zip(layers, factors.tolist(), strict=True):
                with torch.no_grad():
                    self.stack.parameters[self.probe.sites[layer].weight][replica].mul_(factor)

    @cached_property
    def _adjusting(self) -> dict[int, Adjusting]:
        inits = [entry.trial.init for entry in self.journal.entries]
        return {replica: init for replica, init in enumerate(inits) if isinstance(init, Adjusting)}

    def _gradients(self, batch: Split) -> Tensor:
        """The loss of each replica on its batch, [R]; its gradient is left with the parameters."""
        losses = self._losses(batch)
        losses.sum().backward()  # from a scalar: gradients handed in make torch import its compiler to look at them
        return losses.detach().cpu()

    def _losses(self, batch: Split) -> Tensor:
        return sample_losses(self.stack.forward(batch.x), batch.y, self.material.spec.task).mean(dim=1)

    def _watch(self, step: int, losses: Tensor) -> None:
        """End the trials whose loss left all bounds; they go on riding, unseen, since replicas cannot touch."""
        if bool((losses <= LOSS_BOUND).all()):  # false for NaN as well
            return
        alive = self.journal.alive
        newly = [r for r, loss in enumerate(losses.tolist()) if alive[r] and not loss <= LOSS_BOUND]
        if newly:
            statistics = self.probe.measure(self.stack)
            for replica in newly:
                layer = first_bad_layer(statistics, self.probe.sites, replica)
                self.journal.diverged(replica, step, float(losses[replica]), layer)

    def _evaluate(self) -> dict[str, Tensor]:
        """Test loss and accuracy of every replica, [R] each."""
        test, task = self.material.test, self.material.spec.task
        loss = torch.zeros(self.stack.replicas, dtype=torch.float64)
        hits = torch.zeros_like(loss)
        with self.stack.evaluating():
            for x, y in zip(test.x.split(EVALUATION_BATCH), test.y.split(EVALUATION_BATCH), strict=True):
                outputs = self.stack.forward(x.unsqueeze(0))
                loss += sample_losses(outputs, y.unsqueeze(0), task).sum(dim=1).cpu()
                if task == "classification":
                    hits += correct(outputs, y).cpu()
        metrics = {"test_loss": loss / len(test.y)}
        return metrics | ({"test_accuracy": hits / len(test.y)} if task == "classification" else {})

    def _losses_by_scheme(self, losses: Tensor) -> dict[str, float]:
        by_scheme: dict[str, list[float]] = {}
        for entry, loss in zip(self.journal.entries, losses.tolist(), strict=True):
            by_scheme.setdefault(entry.trial.init.label, []).append(loss)
        return {scheme: sum(values) / len(values) for scheme, values in by_scheme.items()}


class _Window:
    """The mean training loss of each replica since the window was last closed."""

    def __init__(self, replicas: int) -> None:
        self._sum = torch.zeros(replicas, dtype=torch.float64)
        self._count = 0

    def add(self, losses: Tensor) -> None:
        self._sum += losses
        self._count += 1

    def close(self) -> dict[str, Tensor]:
        mean = self._sum / self._count
        self._sum, self._count = torch.zeros_like(self._sum), 0
        return {"train_loss": mean}
