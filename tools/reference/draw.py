"""Random choices of a case: shapes that do not suit any tile, and values."""

import math
import zlib

import torch

EXTENTS = [1, 1, 2, 3, 3, 5, 7, 11, 13]  # 1, 2, 3, primes: no multiple of 16
LONG_ROWS = [33, 67]
MOST_CHANNELS, MOST_BATCH = 37, 3


class Draw:
    """Random numbers that depend on the seed, the case's name and the attempt alone: no case moves another's."""

    def __init__(self, seed, name, attempt=0):
        self.generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}/{attempt}".encode()))

    def integer(self, low, high):
        """From low to high, both possible."""
        return int(torch.randint(low, high + 1, (1,), generator=self.generator))

    def choice(self, values):
        return values[self.integer(0, len(values) - 1)]

    def chance(self, probability):
        return self.number(0, 1) < probability

    def number(self, low, high):
        return low + (high - low) * float(torch.rand(1, generator=self.generator, dtype=torch.float64))

    def rounded(self, low, high, digits=3):
        """A number with few digits, so that JSON holds it exactly as it was used."""
        return round(self.number(low, high), digits)

    def power_of_ten(self, low, high):
        """Two digits times a power of ten, evenly over the exponents."""
        return float(f"{10 ** self.number(low, high):.1e}")

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator)

    def uniform(self, *shape):
        return torch.rand(*shape, generator=self.generator)

    def classes(self, count, shape):
        return torch.randint(0, count, tuple(shape), generator=self.generator, dtype=torch.int32)

    def axes(self, values):
        """One of the values per axis."""
        return tuple(self.choice(values) for _ in range(3))

    def channels(self):
        return self.integer(1, MOST_CHANNELS)

    def shape(self, most_elements=900, least_voxels=1):
        """batch, channels, extent of a tensor of at most so many elements."""
        while True:
            extent = list(self.axes(EXTENTS))
            if self.chance(0.12):
                extent[2] = self.choice(LONG_ROWS)
            shape = (self.integer(1, MOST_BATCH), self.channels(), tuple(extent))
            voxels = math.prod(extent)
            if least_voxels <= voxels and shape[0] * shape[1] * voxels <= most_elements:
                return shape


def drawn(seed, name, make, attempts=1000):
    """The first of make(Draw) that is not None: a case that fits its limits and that float32 can compute at all."""
    for attempt in range(attempts):
        case = make(Draw(seed, name, attempt))
        if case is not None:
            return case
    raise RuntimeError(f"{name}: none of {attempts} draws fits")
