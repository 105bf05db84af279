"""Grey images of bytes as the tensors that networks read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from initbench.datasets._base import Split


def grey_images(pixels: NDArray[Any], labels: NDArray[Any]) -> Split:
    """Pixels [N, H, W] in 0..255 as float32 [N, 1, H, W] in [0, 1], and labels [N] as int64."""
    return Split(
        x=torch.from_numpy(pixels.astype(np.float32)).div_(255).unsqueeze(1),
        y=torch.from_numpy(labels.astype(np.int64)),
    )
