"""The peers' own steps: torch with autograd, the same compiled, JAX; the network, cost and update of ours."""

from typing import Any

from miniflow_xp.programs.network import Network

RATE = 0.01


def torch_step(network: Network, feed: dict[Any, Any], tf32: bool) -> Any:
    """torch's own layers, loss, autograd and optimizer."""
    return torch_steps(network, feed, tf32, compiled=False)


def torch_compiled_step(network: Network, feed: dict[Any, Any], tf32: bool) -> Any:
    """The same under ``torch.compile(mode="reduce-overhead")``, which uses CUDA graphs."""
    return torch_steps(network, feed, tf32, compiled=True)


def torch_steps(network: Network, feed: dict[Any, Any], tf32: bool, compiled: bool) -> Any:
    """(a step, what waits for it); raises ImportError where torch has no GPU."""
    import torch

    if not torch.cuda.is_available():
        raise ImportError("this torch has no GPU")
    torch.backends.cuda.matmul.allow_tf32 = tf32
    X, y = (torch.tensor(feed[node], device="cuda") for node in (network.X, network.y))
    sizes = [p.value.shape for p in network.parameters if p.value.ndim == 2]
    layers: list[Any] = []
    for before, after in sizes:
        layers += [torch.nn.Linear(before, after), torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers[:-1]).to("cuda", X.dtype)
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def cost() -> Any:
        return torch.nn.functional.mse_loss(model(X), y)

    run: Any = torch.compile(cost, mode="reduce-overhead") if compiled else cost

    def step() -> Any:
        if compiled:
            torch.compiler.cudagraph_mark_step_begin()
        optimizer.zero_grad()
        loss = run()
        loss.backward()
        optimizer.step()
        return loss

    return step, torch.cuda.synchronize


def jax_step(network: Network, feed: dict[Any, Any], tf32: bool) -> Any:
    """jax.jit of value_and_grad and the update, the parameters donated; (a step, what waits for it)."""
    import jax

    if jax.default_backend() != "gpu":
        raise ImportError("this JAX has no GPU")
    jnp, precision = jax.numpy, "default" if tf32 else "highest"
    X, y = (jnp.asarray(feed[node]) for node in (network.X, network.y))
    held: list[Any] = [jnp.asarray(p.value) for p in network.parameters]

    def cost(parameters: Any) -> Any:
        a = X
        for n in range(0, len(parameters), 2):
            a = jnp.matmul(jax.nn.sigmoid(a) if n else a, parameters[n], precision=precision) + parameters[n + 1]
        return jnp.mean((y - a) ** 2)

    def update(parameters: Any) -> Any:
        value, gradients = jax.value_and_grad(cost)(parameters)
        return value, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    compiled = jax.jit(update, donate_argnums=0)

    def step() -> Any:
        value, held[:] = compiled(list(held))
        return value

    return step, lambda: jax.block_until_ready(held)
