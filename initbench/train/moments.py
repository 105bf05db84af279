"""Mean and variance of many tensors, replica by replica.

One pass over memory comes first, in the tensors' own precision: the sum and the norm of each row of values, put
together in float64. What that cannot hold is done again in float64 throughout, at several times the price: squares
outside the range of float32 (a 50-layer network can have variances near 1e-39), and means that dwarf the deviations,
since the variance is the difference of two sums. Which of the two a replica gets depends on its own values alone, never
on the replicas beside it.

Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

LARGEST_MEAN = 4  # in standard deviations: about one digit of the variance is lost


class Moments(NamedTuple):
    """Of T tensors with R replicas, [T, R] each in float64, on the CPU: not every device knows that type."""

    mean: Tensor
    variance: Tensor
    """Of the population."""
    row_mean_square: Tensor
    """The mean square of the means of rows: the values of a replica with one index on its first axis."""


def moments(tensors: Sequence[Tensor]) -> Moments:
    """The moments of T tensors [R, rows, …], or [R, values] of one row each."""
    rows = [values.flatten(2) if values.dim() > 2 else values.unsqueeze(1) for values in tensors]
    found = _one_pass(rows)
    doubtful = ~_held(found, tensors[0].dtype)
    for index in doubtful.any(dim=1).nonzero().flatten().tolist():
        replicas = doubtful[index]
        for column, exact in zip(found, _exact(rows[index][replicas.to(rows[index].device)]), strict=True):
            column[index, replicas] = exact
    return found


def _one_pass(tensors: Sequence[Tensor]) -> Moments:
    """Moments from the sums and norms of rows, which are taken in the tensors' own precision."""
    # A tensor's sums and norms right after each other: the second finds it in the cache.
    pairs = [(rows.sum(dim=2), torch.linalg.vector_norm(rows, dim=2)) for rows in tensors]
    sums, norms = (_padded(part) for part in zip(*pairs, strict=True))
    count, length = torch.tensor([rows.shape[1:] for rows in tensors]).t().unsqueeze(2)
    mean = sums.sum(dim=1) / (count * length)
    second_moment = norms.square().sum(dim=1) / (count * length)
    row_mean_square = sums.square().sum(dim=1) / (count * length**2)
    return Moments(mean, second_moment - mean.square(), row_mean_square)


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """T tensors [R, rows] as one, [T, most rows, R] in float64; the zeros below change no sum."""
    return pad_sequence([own.t() for own in rows], batch_first=True).cpu().double()


def _held(found: Moments, dtype: torch.dtype) -> Tensor:
    """Where the first pass is good: far from both ends of the range, without cancellation, and not NaN."""
    limits = torch.finfo(dtype)
    in_range = (found.variance > limits.tiny / limits.eps) & (found.variance < limits.max * limits.eps)
    return in_range & (found.mean.square() < LARGEST_MEAN**2 * found.variance)


def _exact(rows: Tensor) -> Moments:
    """Two passes in float64 over one tensor [R, rows, row], [R] each."""
    # A contiguous copy: the values are not ours.
    centred = torch.empty(rows.shape, dtype=torch.float64).copy_(rows)
    mean = centred.mean(dim=(1, 2))
    row_mean_square = centred.mean(dim=2).square().mean(dim=1)
    norm: Tensor = torch.linalg.vector_norm(centred.sub_(mean[:, None, None]), dim=(1, 2))
    return Moments(mean, norm.square() / centred[0].numel(), row_mean_square)
