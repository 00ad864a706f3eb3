"""export_onnx: a program, a model or a function as an ONNX file, with a free size of the batch."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from miniflow_xp.arrays.refusals import TraceError
from miniflow_xp.checks import each, usable_path
from miniflow_xp.errors import ExportError
from miniflow_xp.exchange.onnx import elementwise, forms, places, reductions  # noqa: F401  they fill the table
from miniflow_xp.exchange.onnx.forms import reshaped
from miniflow_xp.exchange.onnx.merging import Step, merged
from miniflow_xp.exchange.onnx.sizes import Inexpressible, Size
from miniflow_xp.exchange.onnx.sources import Source, source_of, unique
from miniflow_xp.exchange.onnx.table import IR_VERSION, OPSET, TABLE, NoForm, written
from miniflow_xp.exchange.onnx.writer import Writer
from miniflow_xp.recording.tape import record
from miniflow_xp.switch import load, use_backend
from miniflow_xp.system.files import write_atomically
from miniflow_xp.system.packages import needed, said_by
from miniflow_xp.system.version import __version__

BATCHES = (11, 17, 29, 37, 41, 53)  # sizes that a batch is recorded with: three that no array here has


def export_onnx(what: Any, path: str | Path, *example: Any, free_batch: bool | Collection[str] = True) -> None:
    """Write a Program, a layer or model, or a function of arrays as an ONNX file, of opset 18.

    ``example``: what it takes: a feed for a Program, one batch for a model, the arguments for a function. Outputs of a
    Program are its values, then its gradients; a model is written for prediction, parameters are initializers.
    ``free_batch``: the first axis of all inputs whose first axes are as long as that of the first input may have any
    length; or which inputs, by name; or False. Raises ExportError where ONNX lacks a function, naming it, or where
    something depends on the size of the batch in a way that cannot be written down; PackageMissingError.
    """
    onnx = needed("onnx", "export_onnx", "'miniflow_xp[onnx]'")
    path = usable_path(path, "export_onnx, path", ExportError)
    model = model_of(onnx, source_of(what, example), free_batch)
    try:
        onnx.checker.check_model(model, full_check=True)
        content = model.SerializeToString()
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        said = said_by(error)
        raise ExportError(
            "export_onnx", f"ONNX says {said}", "a file holds what ONNX allows", "Export a part"
        ) from error
    try:
        write_atomically(path, [content])
    except OSError as error:
        raise ExportError(
            str(path), "it could not be written", error.strerror or str(error), "Choose another folder"
        ) from None


def model_of(onnx: Any, source: Source, free_batch: bool | Collection[str]) -> Any:
    """The model that a file holds."""
    free = free_inputs(source, free_batch)
    recordings, batches = [recorded(source, {})], [0]  # what is wrong with the function itself shows here
    if free:
        own, others = len(source.inputs[free[0]]), batches_for(source)
        recordings += [recorded(source, {name: of_size(source, name, n) for name in free}) for n in others]
        batches = [own, *others]
        if own == 1:  # which broadcasts with others, as no other size does
            recordings, batches = recordings[1:], others
    try:
        steps, results = merged(recordings, batches)
    except Inexpressible as error:
        raise depends(str(error)) from None
    check_known(steps)
    writer = Writer(onnx, free[0] if free else None)
    inputs = [*source.inputs, *source.parameters]
    for step, name in zip(steps, inputs, strict=False):
        step.name = name
        if name in free[1:]:
            step.name = reshaped(writer, name, step.shape)  # an error at run time where it has another batch
    for name, array in source.parameters.items():
        writer.initializer(name, array)
    for step in steps[len(inputs) :]:
        try:
            check_real(step)
            step.name = written(writer, step)
        except NoForm as error:
            raise lacks([str(error)]) from None
    names = unique([*inputs, *(source.outputs or ["y" for _ in results])])[len(inputs) :]
    nodes = [onnx.helper.make_node("Identity", [writer.array(r)], [n]) for r, n in zip(results, names, strict=True)]
    graph = onnx.helper.make_graph(
        [*writer.nodes, *nodes],
        source.name,
        [value_info(onnx, n, s) for n, s in zip(source.inputs, steps, strict=False)],
        [value_info(onnx, n, r) for r, n in zip(results, names, strict=True)],
        writer.initializers,
        value_info=told_by(onnx, steps[len(inputs) :], inputs),
    )
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    producer = {"producer_name": "miniflow_xp", "producer_version": __version__}
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, **producer)


def told_by(onnx: Any, steps: Sequence[Step], known: Collection[str]) -> list[Any]:
    """What recording says of the tensors inside: the checker compares it with what follows from the nodes."""
    several = {step.name: step for step in steps if step.name not in known and not step.is_several}
    return [value_info(onnx, name, step) for name, step in several.items()]


def value_info(onnx: Any, name: str, item: Any) -> Any:
    """Name, dtype and shape of an input or an output."""
    content = item if isinstance(item, Step) else np.asarray(item.content)
    shape = [str(s) if isinstance(s, Size) else s for s in content.shape]
    return onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(content.dtype)), shape
    )


def recorded(source: Source, others: dict[str, Any]) -> Any:
    """The equations of the source, with these inputs in place of the examples."""
    numpy = load("numpy")
    arrays = [*{**source.inputs, **others}.values(), *source.parameters.values()]
    try:
        with use_backend(numpy):
            return record(lambda xp, *given: source.run(xp, *given), numpy.xp, arrays)
    except TraceError as error:
        raise ExportError(
            "export_onnx", error.got, "a file holds functions of arrays, the same for all contents", error.remedy
        ) from error
    except Exception as error:
        if not others:
            raise
        size = len(next(iter(others.values())))
        raise depends(f"a batch of {size} is an error, {said_by(error)}") from error


def free_inputs(source: Source, wanted: bool | Collection[str]) -> list[str]:
    """The inputs whose first axis is the batch."""
    shapes = {name: array.shape for name, array in source.inputs.items()}
    if not isinstance(wanted, bool):
        rule = "it is True, False, or names of inputs"
        names = each(wanted, lambda n: isinstance(n, str), "export_onnx, free_batch", rule, "Write free_batch=['x']")
        for name in names:
            if not shapes.get(name):
                raise ExportError(
                    "export_onnx, free_batch",
                    f"it names {name!r}",
                    f"inputs with axes are {', '.join(n for n, s in shapes.items() if s)}",
                    "Choose of these",
                )
        return [name for name in shapes if name in names]
    first = next((shape[0] for shape in shapes.values() if shape), None)
    return [name for name, shape in shapes.items() if wanted and shape and shape[0] == first]


def batches_for(source: Source) -> list[int]:
    """Three sizes of a batch, which differ from all that arrays here have."""
    taken = {size for a in (*source.inputs.values(), *source.parameters.values()) for size in a.shape}
    return [n for n in BATCHES if n not in taken][:3]


def of_size(source: Source, name: str, size: int) -> Any:
    """An example with so many rows: its own, again and again."""
    array = source.inputs[name]
    if not len(array):
        raise ExportError("export_onnx", f"input {name!r} has no rows", "an example has one at least", "Give one")
    return np.take(array, np.arange(size) % len(array), axis=0)


def check_known(steps: Sequence[Step]) -> None:
    """Raise ExportError with the names of all functions that have no counterpart."""
    unknown = dict.fromkeys(s.op for s in steps if s.op not in ("argument", "item", *TABLE))
    if unknown:
        raise lacks(list(unknown))


def check_real(step: Step) -> None:
    """Raise NoForm for complex numbers, and for dtypes that ONNX has not."""
    if step.dtype is not None and np.dtype(step.dtype).kind not in "fiub":
        raise NoForm(f"{step.op} of {step.dtype} numbers")


def lacks(names: Sequence[str]) -> ExportError:
    """The error for functions that ONNX has not."""
    return ExportError(
        "export_onnx",
        f"it uses {', '.join(names)}",
        "what is exported is made of functions that ONNX has, or that are written here in those",
        "Write it in others, or leave this part out of the file",
    )


def depends(how: str) -> ExportError:
    """The error for what cannot be written for any size of the batch."""
    return ExportError(
        "export_onnx",
        f"the batch may have any size, and {how}",
        "sizes are a whole multiple of the batch, plus a number",
        "Export for one size: free_batch=False; or say which inputs have the batch: free_batch=['x']",
    )
