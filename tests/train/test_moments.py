"""Means and variances of replicas: against numpy in float64, over the whole range of float32 and beyond."""

import numpy as np
import pytest
import torch
from torch import Tensor

from initbench.train.moments import moments

SHAPE = (3, 16, 40)  # replicas, samples, units
ROUNDING = 64 * torch.finfo(torch.float32).eps  # of a chunked sum of 640 values, times the condition number below
SCALES = [0.0, 1e-35, 1e-25, 1e-18, 1e-10, 1.0, 1e10, 1e18, 1e25, 1e35]


def normal(shape: tuple[int, ...] = SHAPE, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=dtype)


def expected(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    rows = values.double().numpy().reshape(len(values), -1)
    return rows.mean(axis=1), rows.var(axis=1)


def condition(values: Tensor) -> float:
    """How much larger the error of a variance is than that of the values: sqrt(1 + mean²/variance), at its worst."""
    mean, variance = expected(values)
    return float(np.sqrt(1 + mean**2 / np.maximum(variance, 1e-300)).max())


@pytest.mark.parametrize("scale", SCALES)
def test_float32_values_of_any_size_have_the_moments_that_float64_gives(scale: float) -> None:
    values = normal() * scale
    (mean,), (variance,), _ = moments([values])
    expected_mean, expected_variance = expected(values)
    np.testing.assert_allclose(variance, expected_variance, rtol=ROUNDING)
    np.testing.assert_allclose(mean, expected_mean, atol=ROUNDING * scale)


def test_rows_as_long_as_those_of_large_images_have_the_moments_that_float64_gives() -> None:
    values = normal((2, 3, 2**16))
    (mean,), (variance,), _ = moments([values])
    expected_mean, expected_variance = expected(values)
    np.testing.assert_allclose(variance, expected_variance, rtol=ROUNDING)
    np.testing.assert_allclose(mean, expected_mean, atol=ROUNDING)


@pytest.mark.parametrize("offset", [0.3, 3.0, 10.0, 90.0, 1e3, 1e5])
def test_a_mean_that_dwarfs_the_deviations_does_not_cancel_the_variance(offset: float) -> None:
    values = normal() + offset
    (mean,), (variance,), _ = moments([values])
    expected_mean, expected_variance = expected(values)
    np.testing.assert_allclose(variance, expected_variance, rtol=ROUNDING * min(condition(values), 100))
    np.testing.assert_allclose(mean, expected_mean, rtol=ROUNDING)


@pytest.mark.parametrize("scale", SCALES[1:])
def test_rows_are_told_apart_by_their_means(scale: float) -> None:
    values = (normal() + torch.arange(float(SHAPE[1])).view(1, -1, 1)) * scale
    (found,) = moments([values]).row_mean_square
    means = values.double().mean(dim=2).numpy()
    np.testing.assert_allclose(found, (means**2).mean(axis=1), rtol=ROUNDING)


def test_equal_values_have_a_variance_of_exactly_zero() -> None:
    mean, variance, _ = moments([torch.full(SHAPE, 0.1), torch.zeros(SHAPE)])
    assert variance.tolist() == [[0.0] * 3] * 2
    assert mean[0].tolist() == [pytest.approx(float(torch.tensor(0.1)), rel=1e-12)] * 3


def test_a_replica_without_a_finite_variance_says_so_and_spoils_no_other() -> None:
    values = normal()
    values[1, 0, 0], values[2, 0, 0] = torch.nan, torch.inf
    _, (variance,), _ = moments([values])
    assert variance[1:].isnan().all()
    assert variance[0] == moments([normal()])[1][0, 0]


def test_a_replica_has_the_same_moments_whatever_rides_beside_it() -> None:
    values = normal()
    together = [values * torch.tensor([1.0, 1e-25, 1e25]).view(3, 1, 1), normal((3, 7))]
    mean, variance, _ = moments(together)
    for replica in range(3):
        own_mean, own_variance, _ = moments([tensor[replica : replica + 1] for tensor in together])
        assert torch.equal(own_mean[:, 0], mean[:, replica])
        assert torch.equal(own_variance[:, 0], variance[:, replica])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_in_the_layout_of_grouped_convolutions_have_the_moments_of_their_copies(dtype: torch.dtype) -> None:
    samples, replicas, channels = 5, 3, 4
    images = normal((samples, replicas * channels, 6, 6), dtype) + 2
    view = images.unflatten(1, (replicas, channels)).transpose(0, 1)
    assert not view.is_contiguous()
    (mean,), (variance,), _ = moments([view])
    expected_mean, expected_variance = expected(view)
    tolerance = ROUNDING if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(mean, expected_mean, rtol=tolerance)
    np.testing.assert_allclose(variance, expected_variance, rtol=tolerance * condition(view))


def test_values_are_left_as_they_were() -> None:
    values, same = normal() * 1e-25, normal() * 1e-25
    assert moments([values])[1].min() > 0
    assert torch.equal(values, same)
