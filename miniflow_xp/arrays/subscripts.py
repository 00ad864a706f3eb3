"""The text of an einsum: ``"...ij,jk->...ik"`` as a label for each axis."""

from collections.abc import Sequence
from string import ascii_letters
from typing import NamedTuple

from miniflow_xp.errors import ShapeError


class Subscripts(NamedTuple):
    """A label for each axis of each operand, and of the result; axes that ``...`` stands for have labels too."""

    operands: tuple[str, ...]
    result: str

    def __str__(self) -> str:
        return f"{','.join(self.operands)}->{self.result}"


def parsed(text: object, ndims: Sequence[int]) -> Subscripts:
    """The labels of an einsum of operands with so many axes; raises ShapeError where they do not fit."""
    if not isinstance(text, str):
        raise wrong(text, "it is no text", "subscripts are text, the first argument")
    written, arrow, result = text.replace(" ", "").partition("->")
    terms = written.split(",")
    if len(terms) != len(ndims):
        raise wrong(text, f"it names {len(terms)} operands, and {len(ndims)} came", "a term stands for each operand")
    for term in [*terms, result]:
        named = term.replace("...", "", 1)
        if any(label not in ascii_letters for label in named):
            raise wrong(text, f"a term is {term!r}", "a term is of letters, with '...' at most once")
    unused = [label for label in ascii_letters if label not in written]
    counts = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    for term, extra, ndim in zip(terms, counts, ndims, strict=True):
        if extra < 0 or (extra and "..." not in term):
            raise wrong(text, f"the operand of {term!r} has {ndim} axes", "a term names each of them")
    most = max((extra for extra, term in zip(counts, terms, strict=True) if "..." in term), default=0)
    labels = "".join(unused[:most])
    full = tuple([t.replace("...", labels[most - n :]) for t, n in zip(terms, counts, strict=True)])
    if not arrow:
        once = sorted(label for label in set(written) - set(",.") if written.count(label) == 1)
        return Subscripts(full, labels + "".join(once))
    result = result.replace("...", labels)
    if len(set(result)) < len(result) or not set(result) <= set("".join(full)):
        raise wrong(text, f"the result is {result!r}", "it names labels of the operands, each once")
    return Subscripts(full, result)


def wrong(text: object, got: str, expected: str) -> ShapeError:
    """The error for subscripts that cannot be read, or do not fit their operands."""
    return ShapeError(f"einsum of {text!r}", got, expected, 'Write it as "ij,jk->ik"')
