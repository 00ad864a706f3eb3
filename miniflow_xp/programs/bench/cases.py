"""What is measured: cases, each a point of a series that scales along one axis."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from miniflow_xp.programs.bench import functions
from miniflow_xp.programs.bench.peers import PEERS, backends_of

ELEMENTS = (1 << 10, 1 << 14, 1 << 18, 1 << 22)  # of an elementwise node
SIDES = (32, 128, 512, 1024)  # of the square matrices of a product
BATCHES = (1, 4, 16, 64, 256, 1024, 4096, 16384)
PEER_SIZES = (
    (8, 4, 4),
    (32, 8, 16),
    (64, 64, 64),
    (128, 128, 128),
    (256, 256, 256),
    (512, 512, 512),
    (16384, 128, 128),
)
COMPILED = 256  # the n for which torch.compile takes part: each of its first calls takes many seconds
TRANSFERS = tuple(1 << k for k in range(12, 27, 2))  # bytes

WAYS = {  # to use a step, by its residence
    "resident": "data on the device",
    "streamed": "data from the host at every step",
    "once": "a single step from host to host, capture included",
}

ELEMENTWISE = ("Add", "Sub", "Mul", "Neg", "Sigmoid", "Tanh", "ReLU")
ROWWISE = ("Softmax", "LogSoftmax", "CrossEntropy", "MSE")
PRODUCTS = ("MatMul", "Linear")
COLUMNS = 64  # of a matrix that a row-wise node is given
ITEM = 4  # bytes of a float32
BYTES = {"float32": ITEM, "float64": 8}


class Case(NamedTuple):
    """One point: ``axes`` are its numbers by name, ``axis`` the one along which its series scales.

    ``only``: the backends that it is for; empty for all.
    """

    family: str
    series: str
    axes: dict[str, int]
    axis: str
    contestant: str = "ours"
    residence: str | None = "resident"
    dtype: str = "float32"
    only: tuple[str, ...] = ()

    def runs_on(self, backend: str) -> bool:
        """True if it is for a backend of this name, which may end in a device."""
        return not self.only or backend.partition(":")[0] in self.only

    @property
    def case(self) -> str:
        """The point in words, such as ``batch=64 width=128``."""
        return " ".join(f"{name}={number}" for name, number in self.axes.items())

    @property
    def bytes(self) -> int:
        """About how many bytes of memory the case takes."""
        return BYTES[self.dtype] * FLOATS[self.family](self.axes)


def network_floats(axes: dict[str, int]) -> int:
    """Data, four arrays a layer (value, gradient, two temporaries), parameters and gradients."""
    layers = axes["depth"] * axes["width"]
    return axes["batch"] * (axes["width"] + 4 * layers) + 2 * layers * axes["width"]


def node_floats(axes: dict[str, int]) -> int:
    """Inputs, value, gradients and temporaries of one node."""
    return 6 * (axes["side"] ** 2 if "side" in axes else axes["elements"])


FLOATS: dict[str, Callable[[dict[str, int]], int]] = {  # about how many numbers of its dtype a case holds at once
    "node": node_floats,
    "step": network_floats,
    "capture": network_floats,
    "memory": network_floats,
    "peers": lambda axes: axes["n"] * (axes["d"] + 8 * axes["h"]) + 2 * axes["h"] * (axes["d"] + axes["h"]),
    "functions": lambda axes: 20 * axes["n"],  # of elementwise, the one that is large
    "transfer": lambda axes: axes["bytes"] // ITEM,
    "user": lambda axes: 0,  # noqa: ARG005  not known
}


def network(batch: int, width: int = 128, depth: int = 2) -> dict[str, int]:
    """The axes of a network of so many layers of so many units."""
    return {"batch": batch, "width": width, "depth": depth}


def steps(
    batches: tuple[int, ...], widths: tuple[int, ...], depths: tuple[int, ...], streamed: tuple[int, ...] = ()
) -> Iterator[Case]:
    """Training steps: along the batch for each width, then along depth; ``streamed``: batches fed from the host."""
    for batch in batches:
        yield Case("step", "training step, width 128", network(batch), "batch")
    for batch in streamed:
        yield Case("step", "training step, width 128", network(batch), "batch", residence="streamed")
    for width in widths:
        for batch in batches:
            if width != 128:
                yield Case("step", f"training step, width {width}", network(batch, width), "batch")
    for depth in depths:
        yield Case("step", "training step, deeper", network(256, 128, depth), "depth")


def nodes(elements: tuple[int, ...], sides: tuple[int, ...], names: tuple[str, ...] | None = None) -> Iterator[Case]:
    """Every node, forward alone and with its backward pass."""
    for name in (*ELEMENTWISE, *ROWWISE, *PRODUCTS):
        if names is not None and name not in names:
            continue
        for direction in ("forward", "forward and backward"):
            for n in sides if name in PRODUCTS else elements:
                axes = {"side": n} if name in PRODUCTS else {"elements": n}
                yield Case("node", f"{name} {direction}", axes, next(iter(axes)))


def transfers(sizes: tuple[int, ...]) -> Iterator[Case]:
    """From the host to the device and back."""
    for residence in ("host→device", "device→host"):
        for size in sizes:
            yield Case("transfer", residence, {"bytes": size}, "bytes", residence=residence)


def captures(batches: tuple[int, ...]) -> Iterator[Case]:
    """The captured step beside the plain loop."""
    for batch in batches:
        for contestant in ("captured", "plain loop"):
            yield Case("capture", "captured step and plain loop", network(batch), "batch", contestant)


def memory(batches: tuple[int, ...]) -> Iterator[Case]:
    """The most memory that a step takes."""
    for batch in batches:
        yield Case("memory", "memory of a step", network(batch), "batch")


def peers(sizes: tuple[tuple[int, int, int], ...]) -> Iterator[Case]:
    """One training step as users of each library write it, beside ours: n × d → h → h → 1."""
    for n, d, h in sizes:
        for name in PEERS:
            if name != "torch.compile" or n == COMPILED:
                axes = {"n": n, "d": d, "h": h}
                yield Case("peers", "a step and its peers", axes, "n", name, only=backends_of(name))


def gradients(quick: bool = False) -> Iterator[Case]:
    """Value and gradient of models that are written as functions, beside other libraries that differentiate."""
    for model, size, name in functions.pairs(quick):
        series = f"gradient of {model.name.replace('_', ' ')}"
        yield Case("functions", series, {"n": size}, "n", name, dtype="float64", only=functions.backends_of(name))


def plan(mode: str, families: tuple[str, ...] | None = None) -> list[Case]:
    """The cases of a mode, ``quick`` or ``full``, the most telling ones first."""
    if mode == "quick":
        found: dict[str, Any] = {
            "step": steps((16, 128, 1024, 4096), (32, 512), (), streamed=(128, 4096)),
            "capture": captures((128,)),
            "peers": peers(((128, 128, 128),)),
            "functions": gradients(quick=True),
            "memory": memory((1024,)),
            "transfer": transfers((1 << 12, 1 << 22)),
            "node": nodes((1 << 14, 1 << 20), (128, 512), ("Sigmoid", "Linear")),
        }
    else:
        found = {
            "step": steps(BATCHES, (32, 512, 1024), (1, 2, 4, 8, 16), streamed=BATCHES),
            "capture": captures((1, 16, 256, 4096)),
            "peers": peers(PEER_SIZES),
            "functions": gradients(),
            "transfer": transfers(TRANSFERS),
            "node": nodes(ELEMENTS, SIDES),
            "memory": memory((64, 1024, 16384)),
        }
    return [case for family, cases in found.items() if families is None or family in families for case in cases]
