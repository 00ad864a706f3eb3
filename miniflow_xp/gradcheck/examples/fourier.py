"""Fourier transforms."""

from typing import TypeAlias

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, Keywords, case, complexes, normal

Forms: TypeAlias = dict[str, Keywords]
"""{what the row is called: keywords}"""

SIZES: Forms = {"": {}, "cut": {"n": 3}, "padded": {"n": 8}, "padded, odd": {"n": 9, "norm": "ortho"}}
AXIS: Forms = {"first axis": {"axis": 0, "norm": "forward"}, "axis of two": {"axis": -2, "norm": "ortho"}}
SEVERAL: Forms = {
    "": {},
    "cut and padded": {"s": (2, 6), "axes": (0, 1)},
    "one axis": {"axes": (0,), "norm": "ortho"},
    "axes in reverse": {"axes": (1, 0), "norm": "forward"},
    "odd": {"s": (3, 5), "axes": (-2, -1), "norm": "ortho"},
}


def rows(op: str, array: np.ndarray, forms: Forms) -> list[Case]:
    """A row for each way of calling a transform."""

    def call(keywords):
        return lambda xp, x: getattr(xp.fft, op)(x, **keywords)

    return [case(f"fft.{op}", call(keywords), array, detail=detail) for detail, keywords in forms.items()]


CASES: list[Case] = [
    *rows("fft", complexes(2, 5), SIZES | AXIS),
    *rows("ifft", complexes(2, 4), SIZES | AXIS),
    *rows("rfft", normal(2, 5), SIZES | AXIS),
    *rows("rfft", normal(4), {"even": {}, "one": {"n": 1}, "two": {"n": 2}}),
    *rows("irfft", complexes(2, 5), SIZES | AXIS),
    *rows("irfft", complexes(3), {"odd": {"n": 5}, "one": {"n": 1}, "two": {"n": 2}}),
    *rows("hfft", complexes(2, 5), SIZES | AXIS),
    *rows("ihfft", normal(2, 5), SIZES | AXIS),
    *rows("fftn", complexes(3, 4), SEVERAL),
    *rows("ifftn", complexes(3, 4), SEVERAL),
    *rows("rfftn", normal(3, 4), SEVERAL),
    *rows("irfftn", complexes(3, 4), SEVERAL),
    *rows("fftn", complexes(2, 3, 2), {"three axes": {}}),
    *rows("rfftn", normal(2, 3, 3), {"three axes": {}, "middle": {"axes": (0, 1)}}),
    *rows("irfftn", complexes(2, 3, 3), {"three axes": {"s": (2, 4, 5), "axes": (0, 1, 2)}}),
    *rows("fftshift", complexes(2, 5), {"": {}, "one axis": {"axes": 0}}),
    *rows("ifftshift", complexes(5, 2), {"": {}, "one axis": {"axes": (0,)}}),
]
