"""What a graph is made of: nodes, each with its rule, and the lesson's stateful face on top.

A rule is two pure functions, written once for every array library: ``compute`` gives the node's value, ``vjp`` its
vector-Jacobian products, one function for each inbound node. The lesson's ``forward`` and ``backward`` call them and
keep what they return on the node.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, MutableMapping, MutableSequence, Sequence
from copy import deepcopy
from functools import reduce
from itertools import count
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend, Namespace
from miniflow_xp.broadcasting import broadcast, shape_of, unbroadcast
from miniflow_xp.checks import as_float, as_number, shown
from miniflow_xp.errors import GraphError, ShapeError, UnfedError
from miniflow_xp.given import as_array, check_kind
from miniflow_xp.nodes.copying import carried, meet
from miniflow_xp.nodes.gradients import Gradients, LazyGradient, LazyGradients
from miniflow_xp.nodes.operators import Known, Operators
from miniflow_xp.nodes.readers import Readers
from miniflow_xp.switch import get_backend
from miniflow_xp.system.callers import calling_line
from miniflow_xp.system.notebooks import ShownAsText

if TYPE_CHECKING:
    from miniflow_xp.nodes.wiring import Wiring

Thunk: TypeAlias = Callable[[], Array]
"""A gradient that is computed when somebody asks for it."""

Operand: TypeAlias = "Node | Array | int | float"

FOUND_ANEW = ("outbound_nodes", "checked_forms", "last_wiring")
"""What a copy of a node does not bring along."""

_serials = count()
_made: Counter[tuple[str, str]] = Counter()
"""{(class, line of code): how many nodes without a name were made there}."""


class Node(Operators, ShownAsText):
    """One operation of a graph.

    ``inbound_nodes``: the nodes whose values it reads; numbers and arrays among them become constants.
    ``outbound_nodes``: those that read its value.
    ``name``: for people; without one, a node is told by the line of code that made it, or its cell in a
    notebook, and numbered where the line makes several.

    After a pass, ``value`` holds its value and ``gradients[m]`` the gradient of the cost that reaches inbound node
    ``m`` through this node, in the shape and dtype of ``m.value``.
    """

    is_cost: ClassVar[bool] = False
    """Is this a loss? Of several last nodes, such a one is sorted last, where the passes look for the cost."""

    takes_numbers: ClassVar[bool] = True
    """May numbers stand among its inputs? Not where it needs an axis."""

    gives_columns: ClassVar[bool] = False
    """Does the lesson print this node's gradient of a 1-D Input as a column? (docs/decisions/0003)"""

    has_gradient: bool = True
    """Does a gradient go through it? Not where its value is constant, as that of a comparison, wherever it has one."""

    takes_complex: ClassVar[bool] = False
    """Is its ``vjp`` written for complex values too? Otherwise these are differentiated through ``compute``."""

    checked_forms: list[Any] | None = None
    """The types, shapes and dtypes of its inputs when ``check`` last let them through: these need no other."""

    last_wiring: "Wiring | None" = None
    """The wiring of the sorted list that it was the last node of."""

    turn: tuple[Array | None, Collection["Node"]] | None = None
    """While a pass runs its ``backward``: what has arrived, its gradient, and the nodes whose gradients are needed."""

    part_of: tuple[tuple[int, str, str], ...] = ()
    """(number, name, kind) of each call of a layer that made it, from the outermost."""

    def __init__(self, inbound_nodes: Sequence[Operand] = (), name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise GraphError(type(self).__name__, f"its name is {shown(name)}", "a name is text", "Write name='hidden'")
        if not isinstance(inbound_nodes, Sequence):
            raise GraphError(
                type(self).__name__,
                f"its inbound nodes are {shown(inbound_nodes)}",
                "they are a list of nodes",
                "Write super().__init__([x])",
            )
        self.name = name
        self.serial = next(_serials)
        self.made_at = "" if name else calling_line()
        _made[self.kind_and_place] += 1  # of those with a name nobody asks
        self.number = _made[self.kind_and_place]
        self.inbound_nodes: list[Node] = [node_of(node, self) for node in inbound_nodes]
        if inbound_nodes and all(isinstance(node, Constant) for node in self.inbound_nodes):
            raise only_numbers(self)
        self.outbound_nodes: MutableSequence[Node] = self.no_readers()
        self.value: Any = None
        self.gradients: MutableMapping[Node, Array] = Gradients.of(self)
        for node in dict.fromkeys(self.inbound_nodes):  # once each, also for Add(x, x)
            node.outbound_nodes.append(self)

    def no_readers(self) -> MutableSequence["Node"]:
        """Its ``outbound_nodes`` while nothing reads it."""
        return []

    # -- the rule: pure

    def compute(self, xp: Namespace, *inputs: Any, **_: Any) -> Array:
        """The value of this node, from the values of its inbound nodes."""
        raise NotImplementedError(f"{self} has no compute: define it, or forward")

    def vjp(self, xp: Namespace, gradient: Array, value: Array, *inputs: Any, **_: Any) -> Sequence[Thunk | None]:
        """One function for each inbound node that gives its gradient; None where there is none.

        ``gradient`` is the cost's gradient of ``value``, this node's value. A returned gradient may have the shape that
        the input was broadcast to: the engine sums the repeated axes.

        A node that does not define it has the gradient of what its ``compute`` calls.
        """
        if type(self).compute is Node.compute:
            raise NotImplementedError(f"{self} has no vjp: define it, or backward")
        from miniflow_xp.nodes.derived import derived  # here: the lesson does not need it

        return derived(self, gradient, inputs)

    def check(self, *inputs: Any) -> None:
        """Raise ShapeError or DtypeError where the inputs do not fit; looks at shapes and dtypes only."""

    def check_values(self, xp: Namespace, *inputs: Any) -> None:
        """Raise where a value is out of range; only called where values may be looked at."""

    # -- the lesson's face: stateful

    def forward(self) -> None:
        """Set ``value`` from the values of the inbound nodes."""
        xp = get_backend().xp
        inputs, forms = [], []
        for node in self.inbound_nodes:
            x = node.value
            inputs.append(x)
            forms.append((type(x), getattr(x, "shape", None), getattr(x, "dtype", None)))
        if forms != self.checked_forms:  # as where an input has no value
            self.check(*self.inbound_values())
            self.checked_forms = forms
        self.check_values(xp, *inputs)
        self.value = self.compute(xp, *inputs)

    def backward(self) -> None:
        """Set ``gradients``: sum what arrives from the outbound nodes, and hand it on through the rule.

        The rule gives one function for each inbound node. A pass calls those whose gradients it needs. By hand,
        ``gradients`` keeps these functions and calls one when its gradient is first read. What nobody needs costs
        nothing.
        """
        xp = get_backend().xp
        arrived, wanted = self.turn or (None, None)
        gradient = self.arriving_gradient(xp) if arrived is None else arrived
        inputs = self.inbound_values()
        if wanted is None:
            self.gradients = LazyGradients(self, pullbacks(self, xp, gradient, self.value, inputs))
        else:
            thunks = thunks_of(self, xp, gradient, self.value, inputs)
            self.gradients = products(self, xp, thunks, inputs, wanted)

    def inbound_values(self) -> list[Any]:
        """Values of the inbound nodes; raises UnfedError where one has none."""
        values = []
        for node in self.inbound_nodes:
            value = node.value
            if value is None:
                raise unfed(node)
            values.append(value)
        return values

    def arriving_gradient(self, xp: Namespace) -> Array:
        """The cost's gradient of this node: what a pass brings, or the sum over the outbound nodes; 1 for the cost."""
        arrived, _ = self.turn or (None, None)
        if arrived is not None:
            return arrived
        arriving = [g[self] for n in self.outbound_nodes if self in (g := n.gradients)]
        if arriving:
            return summed(arriving)
        is_cost = not self.outbound_nodes and shape_of(self.value) == ()
        return xp.ones_like(self.value) if is_cost else xp.zeros_like(self.value)

    # -- operators: filled by miniflow_xp.ops.arithmetic

    operators: ClassVar[dict[str, Callable[..., "Node"]]] = {}
    __array_ufunc__ = None  # NumPy arrays leave `array + node` to the node

    def __add__(self, other: Operand) -> "Node":
        return Node.operators["+"](self, other)

    def __radd__(self, other: Operand) -> "Node":
        return Node.operators["+"](other, self)

    def __sub__(self, other: Operand) -> "Node":
        return Node.operators["-"](self, other)

    def __rsub__(self, other: Operand) -> "Node":
        return Node.operators["-"](other, self)

    def __mul__(self, other: Operand) -> "Node":
        return Node.operators["*"](self, other)

    def __rmul__(self, other: Operand) -> "Node":
        return Node.operators["*"](other, self)

    def __matmul__(self, other: Operand) -> "Node":
        return Node.operators["@"](self, other)

    def __rmatmul__(self, other: Operand) -> "Node":
        return Node.operators["@"](other, self)

    def __neg__(self) -> "Node":
        return Node.operators["neg"](self)

    # -- copies: with the graph that the node keeps alive

    def __getstate__(self) -> tuple[Any, ...]:
        below, token = meet(self)
        gradients = {node: carried(gradient) for node, gradient in self.gradients.items()}
        state = {name: carried(value) for name, value in vars(self).items() if name not in FOUND_ANEW}
        return below, token, {**state, "gradients": gradients}

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        vars(self).update(state[-1])
        self.serial = next(_serials)
        self.gradients = Gradients.of(self)
        self.gradients.update(state[-1]["gradients"])
        vars(self).setdefault("outbound_nodes", self.no_readers())
        for node in dict.fromkeys(self.inbound_nodes):
            vars(node).setdefault("outbound_nodes", node.no_readers()).append(self)

    def __copy__(self) -> Self:
        """A node that reads the same nodes, which do not know of it, and that nothing reads."""
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other.outbound_nodes, other.gradients = other.no_readers(), Gradients.of(other)
        return other

    kind = Known(lambda node: type(node).__name__, "What it computes, for people: its class.")

    def spelled(self, inputs: Sequence[str]) -> str:
        """Its equation's right side, for people, from the names of its inputs."""
        return f"{self.kind}({', '.join(inputs)})"

    @property
    def kind_and_place(self) -> tuple[str, str]:
        """Its kind, and the line of code that made it."""
        return self.kind, self.made_at

    def __str__(self) -> str:
        if self.name:
            return f"{self.kind} {self.name!r}"
        number = f" #{self.number}" if _made[self.kind_and_place] > 1 else ""
        return f"{self.kind}{number} made at {self.made_at}"

    def __repr__(self) -> str:
        return f"<{self}>"


class Elementwise(Node):
    """A node whose value at a place depends on its inputs at that place only; its shape is what theirs broadcast to."""

    def check(self, *inputs: Any) -> None:
        shapes = [shape_of(value) for value in inputs]
        if len(shapes) > 1 and broadcast(*shapes) is None:
            raise ShapeError(
                str(self),
                "its inputs are " + ", ".join(map(str, shapes)),
                "counted from the last, sizes must be equal or 1",
                "Reshape an input, or give it axes of size 1",
            )


class Input(Node):
    """A leaf that is fed: data, or in the lesson also weights.

    In the lesson a graph is found from what is fed, so an Input keeps the nodes that read it, and they the others. Once
    a graph was asked for by its output, whoever holds the output keeps it, and the Input does not.

    ``dtype``: what it is converted to. ``int`` declares labels and indices, which then stay integers; without one,
    float data keep their dtype and everything else takes the float dtype of the graph's other leaves.
    """

    outlives_graphs: ClassVar[bool] = False
    """Is it made once, for many graphs? Then it keeps none of the nodes that read it."""

    def __init__(self, name: str | None = None, *, dtype: Any = None) -> None:
        super().__init__(name=name)
        self.dtype = None if dtype is None else dtypes.parse(dtype, f"{self}, dtype")

    def no_readers(self) -> MutableSequence[Node]:
        return Readers(keeps=not self.outlives_graphs)

    def forward(self) -> None:
        if self.value is None:
            raise unfed(self)

    def backward(self) -> None:
        """Set ``gradients[self]``: the whole gradient of this leaf.

        It has the shape of the value, but for one case that the lesson prints: a 1-D array that MSE reads is a column.
        """
        arrived, _ = self.turn or (None, None)
        gradient = self.arriving_gradient(get_backend().xp) if arrived is None else arrived
        for reader in self.outbound_nodes if gradient.ndim == 1 else ():
            if reader.gives_columns and self in reader.gradients:
                gradient = get_backend().xp.reshape(gradient, (-1, 1))
                break
        self.gradients = found = Gradients()
        found.owner = self
        found[self] = gradient


class Parameter(Input):
    """A leaf that holds a trained value; it may be fed, which sets it.

    ``value``: a NumPy array, an array of the backend in use, or numbers; it moves to the backend at its first pass.
    Many graphs may read it, at once or one after the other: it keeps none of them alive.
    ``reader``: what gives the value while a Trainer works on it.
    """

    outlives_graphs = True

    def __init__(self, value: Any, name: str | None = None, *, dtype: Any = None) -> None:
        super().__init__(name, dtype=dtype)
        check_kind(self, value)
        self._value = value

    @property
    def value(self) -> Any:
        """The value; set another one to change it: ``W.value = array``.

        While a Trainer works on it, this is a copy that later steps do not change, and that cannot be written to where
        the array library has such arrays, as NumPy has: nobody would see it.
        """
        return self._value if self.reader is None else read_only(self.reader())

    @value.setter
    def value(self, value: Any) -> None:
        self.reader: Callable[[], Any] | None = None
        self._value = value

    def __getstate__(self) -> tuple[Any, ...]:
        *before, state = super().__getstate__()
        return *before, {**state, "reader": None, "_value": carried(self.value)}  # no Trainer holds the copy

    def hold(self, read: Callable[[], Any]) -> None:
        """Let ``read`` give the value from now on, until one is set."""
        self.reader, self._value = read, None

    def __copy__(self) -> Self:
        """Another Parameter with the value that this one has now, and that no Trainer works on."""
        other = super().__copy__()
        other.value = deepcopy(self.value)
        return other


def read_only(array: Array) -> Array:
    """A NumPy array that cannot be written to; arrays of other libraries as they are."""
    import numpy as np  # here, so that importing this package imports no array library

    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


class Constant(Node):
    """A number or an array in an expression, as 2 in ``2 * x``: it is not trained, and has no gradient.

    It brings no dtype of its own. A number takes that of what it meets; an array, of which this keeps a copy, comes in
    the widest float dtype of the graph's leaves, as a list does that is fed, so that it widens nothing.

    ``keeps_dtype``: integers, or truth values, that stay what they are, as those of an index do.
    """

    has_gradient = False

    def __init__(self, given: Any, keeps_dtype: bool = False) -> None:
        self.is_array, self.keeps_dtype = hasattr(given, "shape"), keeps_dtype
        super().__init__(name=f"array {shape_of(given)}" if self.is_array else repr(given))
        self.given = self.value = given

    def at(self, backend: Backend, dtype: str | None) -> Any:
        """It as the rules are handed it: the number, or an array of the backend.

        ``dtype``: of the floats in the graph; None where there are none, and integers then stay integers.
        """
        if not self.is_array:
            return self.given
        own = dtypes.name_of(self.given)
        name = dtype or (own if own in dtypes.INTEGERS else backend.default_float)
        name = backend.storable(own) if self.keeps_dtype else name
        held = self.value
        if backend.owns(held) and backend.on_device(held) and dtypes.name_of(held) == name:
            return held
        return backend.asarray(self.given, name)

    def forward(self) -> None:
        """Its value never changes."""

    def backward(self) -> None:
        """It has no gradient."""


def next_serial() -> int:
    """A number that is greater than those of all nodes made so far, and less than those of all to come."""
    return next(_serials)


def pullbacks(
    node: Node, xp: Namespace, gradient: Array, value: Array, inputs: Sequence[Any]
) -> dict[Node, LazyGradient]:
    """{inbound node: its gradient through ``node``, when called}."""
    thunks = thunks_of(node, xp, gradient, value, inputs)
    return {
        inbound: LazyGradient(product, node, xp, thunks, inputs, inbound)
        for inbound, thunk in zip(node.inbound_nodes, thunks, strict=True)
        if thunk is not None and not isinstance(inbound, Constant)
    }


def product(node: Node, xp: Namespace, thunks: Sequence[Thunk | None], inputs: Sequence[Any], inbound: Node) -> Array:
    """The gradient of one inbound node."""
    return products(node, xp, thunks, inputs, (inbound,))[inbound]


def products(
    node: Node, xp: Namespace, thunks: Sequence[Thunk | None], inputs: Sequence[Any], wanted: Collection[Node]
) -> Gradients:
    """{inbound node: its gradient through ``node``} of those that are wanted, in the shape and dtype of its value.

    Of one that ``node`` reads more than once, as in Mul(x, x), it is the sum.
    """
    found = Gradients()
    found.owner = node
    for inbound, thunk, x in zip(node.inbound_nodes, thunks, inputs):  # noqa: B905  counted; ``strict`` takes long
        if thunk is not None and inbound in wanted and not isinstance(inbound, Constant):
            gradient = thunk()
            if gradient.shape != x.shape or gradient.dtype != x.dtype:
                gradient = in_form_of(x, gradient, xp, node, inbound)
            found[inbound] = found[inbound] + gradient if inbound in found else gradient
    return found


def thunks_of(
    node: Node, xp: Namespace, gradient: Array, value: Array, inputs: Sequence[Any]
) -> Sequence[Thunk | None]:
    """What the vjp of ``node`` gives: a function, or None, for each input; raises GraphError for anything else."""
    kind = Node if dtypes.is_complex(value) and not node.takes_complex else type(node)
    thunks = kind.vjp(node, xp, gradient, value, *inputs)
    if not isinstance(thunks, (tuple, list)) or len(thunks) != len(inputs):
        raise no_thunks(node, thunks)
    for thunk in thunks:
        if thunk is not None and not callable(thunk):
            raise no_thunks(node, thunks)
    return thunks


def summed(gradients: Sequence[Array]) -> Array:
    """Sum of one or more gradients; never in place, others may hold them."""
    return gradients[0] if len(gradients) == 1 else reduce(add, gradients)


def in_form_of(x: Array, gradient: Array, xp: Namespace, node: Node, inbound: Node) -> Array:
    """The gradient of ``inbound`` through ``node``, in the shape and dtype of its value ``x``; raises ShapeError.

    Of an integer value it stays a float, as its part behind the point would be cut off.
    """
    came = gradient.shape
    gradient = unbroadcast(xp, gradient, x.shape)
    if gradient.shape != x.shape:
        raise ShapeError(
            str(node),
            f"its vjp gives {inbound} a gradient of shape {tuple(came)}",
            f"the value is {shape_of(x)}",
            "Return a gradient of that shape, or of a shape that it broadcasts to",
        )
    keeps = gradient.dtype == x.dtype or dtypes.name_of(x) not in dtypes.FLOATS
    return gradient if keeps else xp.astype(gradient, x.dtype)


def no_thunks(node: Node, returned: Any) -> GraphError:
    """The error for a vjp that returns something else than functions."""
    many = f" of {len(returned)}" if isinstance(returned, tuple | list) else ""
    return GraphError(
        str(node),
        f"its vjp returned a {type(returned).__name__}{many}",
        f"it returns a tuple of {len(node.inbound_nodes)}: for each input a function without arguments, or None",
        "Write: return (lambda: gradient * ...,)",
    )


OperatorClass = TypeVar("OperatorClass", bound=type[Node])


def operator(symbol: str) -> Callable[[OperatorClass], OperatorClass]:
    """Class decorator: the node that ``a <symbol> b`` builds."""

    def register(node_class: OperatorClass) -> OperatorClass:
        Node.operators[symbol] = node_class
        return node_class

    return register


def node_of(operand: Any, reader: Node) -> Node:
    """``operand``, a node, a number or an array, as a node; raises GraphError for anything else."""
    if isinstance(operand, Node):
        return operand
    number = as_number(operand)
    if number is not None:
        if not reader.takes_numbers:
            raise only_numbers(reader)
        return Constant(usable(number, reader))
    if hasattr(operand, "dtype") and shape_of(operand):
        return Constant(copied(operand, reader))
    raise GraphError(
        str(reader),
        f"an input is a {type(operand).__name__}",
        "inputs are nodes, numbers or arrays",
        "Give numpy.asarray(...) of it, which stays as it is; or Parameter(...), which is trained; or an Input to feed",
    )


def as_nodes(given: Any, where: str) -> list[Any]:
    """One node, or several, as a list; raises GraphError for anything else."""
    found = [given] if isinstance(given, Node) or not isinstance(given, Iterable) else list(given)
    for node in found:
        if not isinstance(node, Node):
            raise GraphError(where, f"{shown(node)} is a {type(node).__name__}", "nodes are wanted", "Name nodes")
    return found


def usable(number: float, reader: Node) -> float:
    """``number``; as a float where no integer dtype holds it; raises GraphError where no float does, either."""
    if isinstance(number, float) or abs(number) < 2**63:
        return number
    found = as_float(number)
    if found is None:
        raise GraphError(
            str(reader),
            f"an input is {shown(number)}",
            "a constant is a number that a float64 holds",
            "Use a smaller one",
        )
    return found


def copied(array: Any, reader: object) -> Array:
    """A copy of an array on the host, that cannot be written to; raises what feeding it would raise."""
    backend = get_backend()
    found = as_array(reader, array, backend)
    host = (backend.to_numpy(found) if backend.owns(found) else found).copy()
    host.flags.writeable = False
    return host


def only_numbers(reader: Node) -> GraphError:
    """The error for numbers where a node needs arrays, and for constants alone."""
    return GraphError(
        str(reader),
        "an input is a number" if not reader.takes_numbers else "its inputs are all constants",
        "it computes with arrays" if not reader.takes_numbers else "at least one input is a node",
        "Wrap one: an Input that is fed with it, or Parameter(...), which is trained",
    )


def unfed(node: Node) -> UnfedError:
    """The error for a node without a value."""
    return UnfedError(
        str(node),
        "it has no value",
        "every Input that the graph reads needs one",
        "Add it to the feed, or set its value" if isinstance(node, Input) else "Run its forward first",
    )
