"""Calls of einops."""

import einops
import einops.array_api as ea

from .call import Rows, normal

row = Rows("einops")
A, B = normal(2, 3, 4), normal(2, 3, 4, seed=1)
row("rearrange", lambda x: einops.rearrange(x, "a b c -> c (b a)"), A)
row("rearrange, split", lambda x: einops.rearrange(x, "a b (c d) -> (a d) b c", d=2), A)
row("rearrange, a list", lambda x, y: einops.rearrange([x, y], "n a b c -> a (n c) b"), A, B)
for name in ["sum", "mean", "max", "min", "prod"]:
    row(f"reduce, {name}", lambda x, name=name: einops.reduce(x, "a b c -> b a", name), A)
row("reduce, pooling", lambda x: einops.reduce(x, "a b (c d) -> a b c", "mean", d=2), A)
row("repeat", lambda x: einops.repeat(x, "a b c -> a (b n) c", n=2), A)
row("einsum", lambda x, y: einops.einsum(x, y, "a b c, a d c -> b d"), A, B)
row("pack", lambda x, y: einops.pack([x, y], "a * c")[0], A, normal(2, 4))
row("unpack", lambda x: einops.unpack(x, [(2,), (1,)], "a * c"), A)
row("array_api.rearrange", lambda x: ea.rearrange(x, "a b c -> c (b a)"), A)
row("array_api.reduce", lambda x: ea.reduce(x, "a b c -> b", "mean"), A)
row("array_api.repeat", lambda x: ea.repeat(x, "a b c -> a (b n) c", n=2), A)
row("array_api.pack", lambda x, y: ea.pack([x, y], "a * c")[0], A, normal(2, 4))
row("array_api.unpack", lambda x: ea.unpack(x, [(2,), (1,)], "a * c"), A)
row("parse_shape", lambda x: x * einops.parse_shape(x, "a b c")["b"], A)
