"""Every error that this package raises.

    MiniflowError
    ├── BackendError                    choosing or using a backend
    │   ├── UnknownBackendError         no backend has this name              (ValueError)
    │   ├── PackageMissingError         its package is not installed          (ImportError)
    │   ├── DriverMissingError          the device's driver is not installed  (RuntimeError)
    │   ├── NoDeviceError               the driver sees no device             (RuntimeError)
    │   └── DeviceNumberError           there is no device of this number     (ValueError)
    ├── SettingError                    a malformed setting or option         (ValueError)
    ├── GraphError                      how nodes are wired or asked
    │   ├── CycleError                  a node depends on itself              (ValueError)
    │   ├── UnfedError                  an Input has no value                 (ValueError)
    │   ├── UnknownFormError            no pass has shown a node's shape      (AttributeError)
    │   ├── NotInGraphError             a node outside of the graph           (KeyError)
    │   ├── NoGradientError             no gradient was or can be computed    (KeyError)
    │   └── CostError                   the cost is not a scalar              (ValueError)
    ├── FeedError                       what was fed cannot be an array       (TypeError)
    │   └── MixedBackendsError          an array of another library or device (ValueError)
    ├── ShapeError                      shapes that do not fit                (ValueError)
    ├── DtypeError                      a data type that does not fit         (TypeError)
    ├── LabelError                      a class label out of range            (ValueError)
    ├── DifferentiationError            a function that cannot be so          (TypeError)
    │   ├── JitError                    Python code asks for contents
    │   ├── FollowedError               another library's transform of a step
    │   └── MissingRuleError            a primitive without its rule          (NotImplementedError)
    ├── DivergedError                   NaN or infinity in training, a start  (FloatingPointError)
    ├── ConvergenceError                no solution, or not one to the end    (ArithmeticError)
    ├── WorldError                      processes that cannot train together  (RuntimeError)
    ├── GradcheckError                  a gradient that is wrong              (AssertionError)
    ├── BenchError                      measuring
    │   ├── WorkerError                 a backend's process failed
    │   ├── BuilderError                the function given to advise failed
    │   └── DifferentMachinesError      two runs that cannot be compared      (ValueError)
    ├── ExportError                     what a file cannot hold               (ValueError)
    └── DataError                       a data file that cannot be read       (ValueError)

Each says where it happened, what came, what was expected and what to do about it.
"""


class MiniflowError(Exception):
    """Base of all errors here; its text is ``where: got: expected. Remedy``.

    ``where`` names the node, backend, setting or file; ``got`` what came; ``expected`` the rule that it breaks;
    ``remedy`` what to do about it. All four are attributes and strings.
    """

    def __init__(self, where: str, got: str, expected: str, remedy: str) -> None:
        super().__init__(where, got, expected, remedy)
        self.where = where
        self.got = got
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        end = "" if self.remedy.endswith("?") else "."
        return f"{self.where}: {self.got}: {self.expected}. {self.remedy}{end}"


class BackendError(MiniflowError):
    """A backend cannot be chosen or used."""


class UnknownBackendError(BackendError, ValueError):
    """No backend has this name."""


class PackageMissingError(BackendError, ImportError):
    """The backend's package is not installed, or is a build without the device asked for."""


class DriverMissingError(BackendError, RuntimeError):
    """The device's driver is not installed, or too old."""


class NoDeviceError(BackendError, RuntimeError):
    """The driver works, but the machine has no such device."""


class DeviceNumberError(BackendError, ValueError):
    """The machine has devices, but none of this number or name."""


class SettingError(MiniflowError, ValueError):
    """An environment variable or an option has a malformed value."""


class GraphError(MiniflowError):
    """Nodes are wired, or asked for something, in a way that has no meaning."""


class CycleError(GraphError, ValueError):
    """A node depends on itself."""


class UnfedError(GraphError, ValueError):
    """An Input has no value."""


class UnknownFormError(GraphError, AttributeError):
    """The shape and dtype of a node are known once a pass has computed its value."""


class NotInGraphError(GraphError, KeyError):
    """A node that is not part of the graph at hand."""


class NoGradientError(GraphError, KeyError):
    """A gradient that was not asked for, or that does not exist."""


class CostError(GraphError, ValueError):
    """Gradients start from one number; this cost is not one."""


class FeedError(MiniflowError, TypeError):
    """What was fed to an Input cannot be used as an array."""


class MixedBackendsError(FeedError, ValueError):
    """What was fed belongs to another array library, or lies on another device."""


class ShapeError(MiniflowError, ValueError):
    """The shapes of a node's inputs do not fit each other."""


class DtypeError(MiniflowError, TypeError):
    """A data type that a node or a backend cannot take."""


class LabelError(MiniflowError, ValueError):
    """A class label is negative or not below the number of classes."""


class DifferentiationError(MiniflowError, TypeError):
    """A function that cannot be differentiated, or not in the way it was asked to be."""


class JitError(DifferentiationError):
    """A function that cannot be recorded, because its Python code depends on the contents of arrays."""


class FollowedError(DifferentiationError):
    """An array that its own library follows, as in ``torch.func`` or ``jax.grad``, is given to what is replayed."""


class MissingRuleError(DifferentiationError, NotImplementedError):
    """A function that is said to have a rule of its own, and is differentiated without one."""


class DivergedError(MiniflowError, FloatingPointError):
    """Training met a value that is not finite, or an optimiser begins at one."""


class ConvergenceError(MiniflowError, ArithmeticError):
    """A solver has not reached a solution, or the solution is not isolated, so that it has no gradient."""


class WorldError(MiniflowError, RuntimeError):
    """Processes do not find each other, or differ where they must not."""


class GradcheckError(MiniflowError, AssertionError):
    """A gradient differs from central differences, or is not a number."""


class BenchError(MiniflowError):
    """A measurement cannot be made."""


class WorkerError(BenchError):
    """A worker could not do what it was asked: the text of its own error, or that its process ended."""


class BuilderError(BenchError):
    """What a user's function for ``advise`` gave is no cost and feed."""


class DifferentMachinesError(BenchError, ValueError):
    """Two runs were made on machines whose times cannot be compared."""


class ExportError(MiniflowError, ValueError):
    """What is to be written as a file of another program's, and has no form there."""


class DataError(MiniflowError, ValueError):
    """A data file that cannot be read as the table it should be."""


class DowncastWarning(UserWarning):
    """A backend stores a narrower dtype than the one that was fed (only where MINIFLOW_DOWNCAST=warn)."""
