"""Why a function cannot be recorded or differentiated: the errors."""

from miniflow_xp.arrays.switches import remedy_within
from miniflow_xp.errors import DifferentiationError, FollowedError, MiniflowError, SettingError
from miniflow_xp.system.callers import calling_file, calling_line


class TraceError(MiniflowError):
    """The function cannot be recorded: it looks at contents, or leaves the namespace it was handed."""


class ContentsError(TraceError):
    """It looks at contents, which are others in each run."""


NOT_RECORDED = (TraceError, TypeError, AttributeError, NotImplementedError)
"""What a function may raise while it is recorded, because it does something that only real arrays can."""


def contents_wanted(what: str) -> ContentsError:
    """The error for a function that cannot be recorded because it needs to know contents."""
    return ContentsError(
        "a recorded rule",
        f"it looks at contents {what}",
        "a rule is a pure function of arrays",
        "Choose by xp.where instead of if, and by xp.take instead of a mask",
    )


def not_recorded(what: str) -> TraceError:
    """The error for a call that is not recorded, though it may be correct."""
    return TraceError(
        "a recorded rule",
        what,
        "recorded are functions of xp, and operators, of arrays given by position",
        "The plain loop runs it; to have it recorded, write it in other functions of xp",
    )


def followed(library: str) -> FollowedError:
    """The error for an array that its own library differentiates, maps or traces, and that a replay would lose."""
    return FollowedError(
        "a recorded step",
        f"{library} follows what it is given, by a transform of its own",
        "what is replayed is followed by no library",
        f"Give {library} what miniflow_xp.to_{library}(f) makes, or take the gradient by miniflow_xp.grad(f)",
    )


def leaves_namespace(shape: tuple[int, ...], where: str) -> TraceError:
    """The error for a recorded array that is given to something outside of its namespace."""
    return TraceError(
        "a recorded rule",
        f"it gives a {shape} array to a function outside of xp: {where}",
        "only functions of xp, and operators, are recorded",
        "Take the function from xp = array_namespace(x)",
    )


def gradient_lost(shape: tuple[int, ...], asked: str) -> DifferentiationError:
    """The error for an array that is differentiated and asked for something that keeps no gradient."""
    return DifferentiationError(
        f"{asked} of a {shape} array, at {calling_line()}",
        "the array is being differentiated, and its gradient would be lost",
        "a gradient goes through functions of the array's own namespace, operators and indexing",
        remedy_within(calling_file())
        or "Write np.stack([x, y]), np.concatenate or np.array([x, y], like=x) for np.array, and make an array that is "
        "assigned to by np.zeros_like(x); take functions from NumPy or from xp = array_namespace(x); "
        "or write stop_gradient(x) where a constant is meant",
    )


def no_rule(op: str) -> DifferentiationError:
    """The error for a function whose gradient is not known."""
    return DifferentiationError(
        f"{op}, at {calling_line()}",
        "its input is being differentiated, and it has no rule",
        "gradients go through the functions that have one",
        "Write it in other functions, give it a rule by custom_vjp, or its input stop_gradient(x)",
    )


def by_keyword(op: str, name: str) -> DifferentiationError:
    """The error for an array that is differentiated and given by keyword, where its gradient would be lost."""
    return DifferentiationError(
        f"{op}, at {calling_line()}",
        f"its argument {name} is being differentiated and was given by keyword",
        "gradients go to arguments that are given by position",
        f"Leave out {name}=",
    )


def closes_over(name: str) -> DifferentiationError:
    """The error for a function with its own rule that reads an array which is differentiated, but not given to it."""
    return DifferentiationError(
        f"{name}, at {calling_line()}",
        "it reads an array that is being differentiated and is not among its arguments",
        "its gradient goes to its arguments alone",
        "Give the array as an argument",
    )


def outlived(shape: tuple[int, ...]) -> DifferentiationError:
    """The error for an array that a recorded function left behind."""
    return DifferentiationError(
        f"a recorded {shape} array, at {calling_line()}",
        "the function that it belongs to has ended",
        "a recorded function gives arrays as results, and leaves none in variables outside of it",
        "Return the array",
    )


def stale(why: object) -> DifferentiationError:
    """The error for an array that shared its memory with one that was written to."""
    return DifferentiationError(
        f"an array that shares memory, at {calling_line()}",
        f"it is read after {why}",
        "a write to a view reaches the array above it; from a real part, a diagonal or a broadcast there is no way up",
        "Write to the array itself, or take a copy: xp.asarray(x, copy=True)",
    )


def unknown_to_library(said: str, place: str) -> DifferentiationError:
    """The error for a traced array that was handed to a function which does not know it."""
    return DifferentiationError(
        place,
        "a traced array met a function, or an array, that does not know it",
        f"it says {said.splitlines()[0].rstrip('.')}",
        "Give all arrays as arguments: grad(f)(x, data). Take functions from NumPy, np.exp(x), or from "
        "xp = array_namespace(x), and bring a plain array to it by xp.asarray",
    )


def of_no_library(kind: type) -> DifferentiationError:
    """The error for what is no array of the Array API, though it may hold one, as those of pandas and xarray do."""
    return DifferentiationError(
        f"{kind.__module__.partition('.')[0]}.{kind.__name__}",
        "it stands where an array is wanted",
        "arrays are those that follow the Array API",
        "Give the array in it, as x.to_numpy() or x.data, and make it again within the function where need be",
    )


def mixed_libraries(op: str, names: list[str]) -> DifferentiationError:
    """The error for a call with arrays of several libraries."""
    return DifferentiationError(
        f"{op}, at {calling_line()}",
        f"its inputs are arrays of {' and '.join(names)}",
        "the arrays of a call belong to one library",
        "Bring them to one: xp.asarray of a NumPy array, or from_dlpack",
    )


def other_bits(own: str, wanted: str) -> DifferentiationError:
    """The error for an array whose memory is to be read as another dtype."""
    return DifferentiationError(
        f"view of a {own} array, at {calling_line()}",
        f"it is asked for as {wanted}",
        "the bits of a number have no gradient",
        "Convert it: xp.astype(x, dtype)",
    )


def no_closed_form(op: str, argument: str) -> DifferentiationError:
    """The error for an argument of a function whose derivative with respect to it has no closed form."""
    return DifferentiationError(
        op,
        f"its argument {argument} is being differentiated",
        f"the derivative with respect to {argument} has no closed form, those of the other arguments are known",
        f"Write stop_gradient({argument}), or give the function a rule by custom_vjp",
    )


def refused(function: str, shape: tuple[int, ...], why: str, remedy: str) -> DifferentiationError:
    """The error for a function of another library that takes no array which is differentiated, or recorded."""
    return DifferentiationError(
        f"{function} of a {shape} array, at {calling_line()}",
        why,
        "a gradient goes through functions that have one",
        f"{remedy}; or write stop_gradient(x) where a constant is meant",
    )


def no_out(function: str) -> DifferentiationError:
    """The error for a result that is to be written into an array of a library, which can hold no gradient."""
    return DifferentiationError(
        f"{function}, at {calling_line()}",
        "it writes into an array that is not traced, and a gradient would be lost",
        "results are new arrays",
        "Leave out=, += and .at of plain arrays: write y = y + x; or make y by np.zeros_like(x), which is traced",
    )


def no_masked_call(name: str) -> DifferentiationError:
    """The error for a ufunc that leaves elements undefined."""
    return DifferentiationError(
        f"np.{name}, at {calling_line()}",
        "it is given where=",
        "what it leaves out has no value",
        f"Write np.where(condition, np.{name}(x), 0.0), with an x that is defined everywhere",
    )


def not_of_torch(name: str) -> DifferentiationError:
    """The error for a function of PyTorch that is not known here."""
    return DifferentiationError(
        f"torch.{name}, at {calling_line()}",
        "a traced array was given to it, and it is not among the functions that are known here",
        "docs/numpy-code.md has a list of these",
        "Write it in other functions, or take one from xp = array_namespace(x)",
    )


def not_taken(name: str, given: object, known: tuple[object, ...]) -> SettingError:
    """The error for an argument whose value is not known here."""
    takes = ", ".join(map(repr, known))
    return SettingError(name, f"it is {given!r}", f"one of {takes}", "Choose one of these")
