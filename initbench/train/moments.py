"""Mean and variance of many tensors, replica by replica.

One pass in the tensors' own precision comes first: the kernel of group normalization sums rows by a chunked, vectorized
Welford recurrence, whose relative error is some roundings times √(1 + mean²/variance). What that cannot hold is done
again in float64, by a copy, a sum, a difference and a norm, at several times the price: squares outside the range of
float32 (a 50-layer network can have variances near 1e-39), and means that dwarf the deviations. Which of the two a
replica gets depends on its own values alone, never on the replicas beside it.

Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LARGEST_MEAN = 1e2  # in standard deviations: two digits of the variance are lost


def moments(tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The means and population variances of T tensors [R, …], as [T, R] each in float64."""
    mean, variance = _one_pass(tensors)
    doubtful = ~_held(mean, variance, tensors[0].dtype)
    for index in doubtful.any(dim=1).nonzero().flatten().tolist():
        rows = doubtful[index]
        mean[index, rows], variance[index, rows] = _exact(tensors[index][rows])
    return mean, variance


def _one_pass(tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Moments whose sums were taken in the tensors' own precision."""
    rows = [_rows(values) for values in tensors]
    means, deviations = (torch.cat(part).double() for part in zip(*rows, strict=True))
    counts = torch.tensor([len(mean) for mean, _ in rows], device=means.device)
    owner = torch.arange(len(tensors), device=means.device).repeat_interleave(counts)
    counts = counts.unsqueeze(1)

    def averaged(values: Tensor) -> Tensor:
        total = values.new_zeros(len(tensors), values.shape[1])
        return total.index_add_(0, owner, values) / counts

    mean = averaged(means)
    return mean, averaged(deviations.pow(-2) + (means - mean[owner]).square())


def _rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse deviation of rows of equal length, [rows, R] each: one row for each replica, or for its samples.

    Images come as views of [N, R, …], where a sample's values lie side by side, and a replica's do not.
    """
    by_sample = values.transpose(0, 1)
    if values.dim() > 3 and by_sample.is_contiguous():
        values = by_sample.flatten(2)
    else:
        values = values.flatten(1).contiguous().unsqueeze(0)
    samples, replicas, count = values.shape
    _, mean, inverse = torch.native_group_norm(values, None, None, samples, replicas, count, replicas, 0.0)
    return mean, inverse


def _held(mean: Tensor, variance: Tensor, dtype: torch.dtype) -> Tensor:
    """Where the first pass is good: far from both ends of the range, without cancellation, and not NaN."""
    limits = torch.finfo(dtype)
    in_range = (variance > limits.tiny / limits.eps) & (variance < limits.max * limits.eps)
    return in_range & (mean.square() < LARGEST_MEAN**2 * variance)


def _exact(values: Tensor) -> tuple[Tensor, Tensor]:
    """Two passes in float64, [R] each."""
    # A contiguous copy: the values are not ours.
    centred = torch.empty(values.shape, dtype=torch.float64, device=values.device).copy_(values).flatten(1)
    mean = centred.mean(dim=1)
    norm: Tensor = torch.linalg.vector_norm(centred.sub_(mean.unsqueeze(1)), dim=1)
    return mean, norm.square() / centred.shape[1]
