"""A model of layers as a torch.nn.Module: its Parameters are PyTorch's, its gradients are ours."""

import torch

from miniflow_xp.dtypes import name_of
from miniflow_xp.exchange.models import ModelFunction
from miniflow_xp.exchange.tensors import host_tensor
from miniflow_xp.exchange.torch_function import torch_function
from miniflow_xp.layers import Layer
from miniflow_xp.node import Input, Parameter
from miniflow_xp.ops.batch_normalisation import Running
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.switch import Choice, load, to_numpy


class LayerModule(torch.nn.Module):  # type: ignore[misc]  # PyTorch's types are not looked at
    """The layers as a module: ``train`` and ``eval`` choose between training and prediction, as with any other.

    Parameters start as copies of those of the layers, running averages are buffers. ``write_back`` brings the values
    into the layers.
    """

    def __init__(self, model: Layer, choice: Choice | None) -> None:
        super().__init__()
        self.model, self.choice = model, choice
        self._names: dict[Parameter, str] = {}
        self._functions: dict[tuple[bool, bool], ModelFunction] = {}
        for parameter in model.parameters:
            name = self._names[parameter] = str(parameter.name).replace(" ", "_").replace(".", "_")
            value = host_tensor(to_numpy(parameter.value), copy=True)
            value = value.to(getattr(torch, name_of(parameter.value)))  # bfloat16, which NumPy has not
            if isinstance(parameter, Running):
                self.register_buffer(name, value)
            else:
                self.register_parameter(name, torch.nn.Parameter(value))

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # what is compiled calls it, and looks not inside
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The result of the model on a batch."""
        function = self.function(not (x.is_floating_point() or x.is_complex()))
        given = [self.given(leaf, function, x) for leaf in function.leaves]
        result, *moved = torch_function(function.call, None if self.choice is None else load(self.choice))(*given)
        self.check(function, given)
        with torch.no_grad():
            for parameter, value in zip(function.moved, moved, strict=True):
                getattr(self, self._names[parameter]).copy_(value)
        found: torch.Tensor = result
        return found

    def function(self, integers: bool) -> ModelFunction:
        """The model as a function of arrays, for a batch of integers or of floats; made once."""
        key = self.training, integers
        if key not in self._functions:
            self._functions[key] = ModelFunction(self.model, *key)
        return self._functions[key]

    def given(self, leaf: Input, function: ModelFunction, x: torch.Tensor) -> torch.Tensor:
        """What a leaf of the model is fed."""
        if leaf is function.x:
            return x
        if isinstance(leaf, Counter):
            return torch.tensor(int(to_numpy(leaf.advance())), dtype=torch.int32)
        found: torch.Tensor = getattr(self, self._names[leaf])  # type: ignore[index]
        return found.clone() if isinstance(leaf, Running) else found  # it moves, autograd remembers what it was

    def check(self, function: ModelFunction, given: list[torch.Tensor]) -> None:
        """Raise LabelError for integers that no row has; on the CPU, where a look costs nothing."""
        host = {leaf: t.detach() for leaf, t in zip(function.leaves, given, strict=True) if leaf is function.x}
        for guard in function.guards:
            guard.check(load("torch"), {leaf: t for leaf, t in host.items() if t.device.type == "cpu"})

    def write_back(self) -> None:
        """Bring the values of the parameters, and running averages, into the layers."""
        for parameter, name in self._names.items():
            tensor = getattr(self, name).detach().cpu()
            parameter.value = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy().copy()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_functions": {}}  # a copy makes its own

    def extra_repr(self) -> str:
        return str(self.model)
