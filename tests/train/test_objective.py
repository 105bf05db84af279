"""Losses, accuracy and clipping, each against torch's own for one network at a time."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from initbench.train.objective import clip_gradients, correct, sample_losses

RNG = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(4, 6, 3, generator=RNG, dtype=torch.float64)


@pytest.mark.parametrize("groups", [1, 4])
def test_classification_losses_are_those_of_cross_entropy(groups: int) -> None:
    y = torch.randint(3, (groups, 6), generator=torch.Generator().manual_seed(1))
    losses = sample_losses(OUTPUTS, y, "classification")
    for replica in range(4):
        expected = functional.cross_entropy(OUTPUTS[replica], y[replica % groups], reduction="none")
        assert torch.equal(losses[replica], expected)


@pytest.mark.parametrize("groups", [1, 4])
def test_regression_losses_average_the_squares_over_the_target_values(groups: int) -> None:
    y = torch.randn(groups, 6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    losses = sample_losses(OUTPUTS, y, "regression")
    for replica in range(4):
        expected = functional.mse_loss(OUTPUTS[replica], y[replica % groups])
        assert float(losses[replica].mean()) == pytest.approx(float(expected), rel=1e-14)


def test_outputs_of_zero_cost_the_logarithm_of_the_number_of_classes() -> None:
    losses = sample_losses(torch.zeros(2, 5, 7, dtype=torch.float64), torch.arange(5).unsqueeze(0), "classification")
    torch.testing.assert_close(losses, torch.full((2, 5), math.log(7), dtype=torch.float64), rtol=1e-15, atol=0)


def test_a_hit_is_the_right_class_ranked_first() -> None:
    outputs = torch.tensor([[[2.0, 1.0], [0.0, 3.0]], [[1.0, 2.0], [5.0, 4.0]]])
    assert correct(outputs, torch.tensor([0, 1])).tolist() == [2, 0]


@pytest.mark.parametrize("limit", [0.01, 1.0, 3.0, 1e6])
def test_each_replica_is_clipped_by_its_own_norm_as_torch_clips_one_network(limit: float) -> None:
    rng = torch.Generator().manual_seed(2)
    scales = torch.tensor([1e-3, 1.0, 100.0, 0.0], dtype=torch.float64)
    shapes = [(4, 5, 3), (4, 3), (4, 2, 3, 3, 3)]
    gradients = [
        torch.randn(shape, generator=rng, dtype=torch.float64) * scales.view(-1, *[1] * (len(shape) - 1))
        for shape in shapes
    ]
    stacked = [with_gradient(gradient) for gradient in gradients]
    clip_gradients(stacked, limit)
    for replica in range(4):
        plain = [with_gradient(gradient[replica]) for gradient in gradients]
        clip_grad_norm_(plain, limit)
        for ours, theirs in zip(stacked, plain, strict=True):
            torch.testing.assert_close(ours.grad[replica], theirs.grad, rtol=1e-13, atol=0)


def test_a_gradient_that_is_not_finite_spoils_its_own_replica_alone() -> None:
    gradient = torch.ones(3, 2, dtype=torch.float64)
    gradient[1] = math.inf
    parameter = with_gradient(gradient)
    clip_gradients([parameter], 0.5)
    assert parameter.grad[[0, 2]].flatten().tolist() == pytest.approx([0.5 / math.sqrt(2)] * 4, rel=1e-5)


def test_parameters_without_a_gradient_are_passed_over() -> None:
    parameters = [with_gradient(torch.full((2, 2), 3.0)), torch.zeros(2, 2, requires_grad=True)]
    clip_gradients(parameters, 1.0)
    assert parameters[1].grad is None
    torch.testing.assert_close(parameters[0].grad.norm(dim=1), torch.ones(2), rtol=1e-5, atol=0)


def with_gradient(gradient: Tensor) -> Tensor:
    parameter = torch.zeros_like(gradient).requires_grad_()
    parameter.grad = gradient.clone()
    return parameter
