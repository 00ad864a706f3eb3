"""Manipulation: functions that move, repeat, join, convert and make arrays."""

from miniflow_xp.gradcheck.examples.case import Case, Keywords, case, complexes, normal, positive

CASES: list[Case] = [
    case(op, lambda xp, x, f=call: f(xp, x), array, detail=detail)
    for op, detail, call, array in [
        ("reshape", "", lambda xp, x: xp.reshape(x, (3, 2)) ** 2, normal(2, 3)),
        ("reshape", "-1", lambda xp, x: xp.reshape(x, (-1,)) ** 2, normal(2, 3)),
        ("reshape", "shape by name", lambda xp, x: xp.reshape(x, shape=(6, 1)) ** 2, normal(2, 3)),
        ("reshape", "of a 0-d array", lambda xp, x: xp.reshape(x, (1, 1)) ** 2, normal()),
        ("reshape", "empty", lambda xp, x: xp.reshape(x, (3, 0)) ** 2, normal(0, 2)),
        ("expand_dims", "", lambda xp, x: xp.expand_dims(x, axis=0) ** 2, normal(2, 3)),
        ("expand_dims", "axis -1", lambda xp, x: xp.expand_dims(x, axis=-1) ** 2, normal(2)),
        ("squeeze", "", lambda xp, x: xp.squeeze(x, axis=1) ** 2, normal(2, 1, 3)),
        ("squeeze", "two axes", lambda xp, x: xp.squeeze(x, axis=(0, -1)) ** 2, normal(1, 2, 1)),
        ("permute_dims", "", lambda xp, x: xp.permute_dims(x, (2, 0, 1)) ** 2, normal(2, 3, 4)),
        ("matrix_transpose", "", lambda xp, x: xp.matrix_transpose(x) ** 2, normal(2, 3, 4)),
        ("moveaxis", "", lambda xp, x: xp.moveaxis(x, 0, -1) ** 2, normal(2, 3, 4)),
        ("moveaxis", "several", lambda xp, x: xp.moveaxis(x, (0, 2), (-1, 0)) ** 2, normal(2, 3, 4)),
        ("flip", "", lambda xp, x: xp.flip(x) ** 2, normal(2, 3)),
        ("flip", "axis -1", lambda xp, x: xp.flip(x, axis=-1) ** 2, normal(2, 3)),
        ("flip", "two axes", lambda xp, x: xp.flip(x, axis=(0, 2)) ** 2, normal(2, 3, 2)),
        ("roll", "", lambda xp, x: xp.roll(x, 2) ** 2, normal(2, 3)),
        ("roll", "axis -1", lambda xp, x: xp.roll(x, -1, axis=-1) ** 2, normal(2, 3)),
        ("roll", "two axes", lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)) ** 2, normal(2, 3)),
        ("tile", "", lambda xp, x: xp.tile(x, (2, 3)) ** 2, normal(2, 3)),
        ("tile", "fewer repetitions than axes", lambda xp, x: xp.tile(x, (2,)) ** 2, normal(2, 3)),
        ("tile", "more repetitions than axes", lambda xp, x: xp.tile(x, (2, 1, 2)) ** 2, normal(3)),
        ("repeat", "", lambda xp, x: xp.repeat(x, 2) ** 2, normal(2, 3)),
        ("repeat", "axis -1", lambda xp, x: xp.repeat(x, 3, axis=-1) ** 2, normal(2, 3)),
        ("repeat", "no times", lambda xp, x: xp.repeat(x, 0, axis=0) ** 2, normal(2, 3)),
        ("repeat", "counts", lambda xp, x: xp.repeat(x, xp.asarray([2, 0, 1]), axis=1) ** 2, normal(2, 3)),
        ("tril", "", lambda xp, x: xp.tril(x) ** 2, normal(3, 3)),
        ("tril", "k -1", lambda xp, x: xp.tril(x, k=-1) ** 2, normal(2, 3, 4)),
        ("triu", "", lambda xp, x: xp.triu(x) ** 2, normal(3, 3)),
        ("triu", "k 1", lambda xp, x: xp.triu(x, k=1) ** 2, normal(2, 4, 3)),
        ("broadcast_to", "", lambda xp, x: xp.broadcast_to(x, (2, 3, 4)) ** 2, normal(3, 1)),
        ("broadcast_to", "of a 0-d array", lambda xp, x: xp.broadcast_to(x, (3,)) ** 2, normal()),
        ("broadcast_to", "to nothing", lambda xp, x: xp.broadcast_to(x, (0, 3)) ** 2, normal(1, 3)),
        ("astype", "to complex", lambda xp, x: xp.astype(x, xp.complex128) ** 2, normal(3)),
        ("astype", "to float32", lambda xp, x: xp.astype(xp.astype(x * 0, xp.float32), x.dtype) + x**2, normal(3)),
        ("unstack", "", lambda xp, x: xp.unstack(x)[1] ** 2 * xp.unstack(x)[0], normal(2, 3)),
        ("unstack", "axis -1", lambda xp, x: xp.unstack(x, axis=-1)[2] ** 2, normal(2, 3)),
        ("diff", "", lambda xp, x: xp.diff(x) ** 2, normal(2, 4)),
        ("diff", "axis 0, twice", lambda xp, x: xp.diff(x, axis=0, n=2) ** 2, normal(4, 2)),
        ("diff", "more than there are", lambda xp, x: xp.diff(x, n=3) ** 2, normal(2)),
        ("full_like", "", lambda xp, x: xp.full_like(x, 2.0) * x**2, normal(3)),
    ]
]
ORACLE: Keywords = {"no_oracle": {"torch": "it takes no array there", "jax": "it takes no array there"}}
POSITIVE: Keywords = {"skip": {"jax": "its axes are counted from 0"}}
METHOD: Keywords = {"no_oracle": {"torch": "it has a method only", "jax": "it has a method only"}}
NAME: Keywords = {"no_oracle": {"torch": "its argument has no name"}}
LISTS: Keywords = {**ORACLE, "skip": {"strict": "lists of its own arrays are no arrays to it"}}
LIST_OF_ROWS: Keywords = {"skip": {"torch": "it takes lists only", "strict": "it takes lists only"}}
BY_NUMBER: Keywords = {"skip": {"torch": "it takes several only", "strict": "it takes several only"}}
BY_ARRAY: Keywords = {"skip": {"torch": "it takes numbers only", "strict": "it takes numbers only"}}
STRICT = {"strict": "it takes numbers only"}
CASES += [
    case("permute_dims", lambda xp, x: xp.permute_dims(x, (-1, 0, 1)) ** 2, normal(2, 3, 4), detail="-1", **POSITIVE),
    case("to_device", lambda xp, x: xp.to_device(x, x.device) ** 2, normal(3), **METHOD),
    case("repeat", lambda xp, x: xp.repeat(x, repeats=xp.asarray([2, 1, 3])) ** 2, normal(3), detail="by name", **NAME),
    case("asarray", lambda xp, x: xp.asarray([x[0], 2.0, x[1] * x[0]]), normal(2), **LISTS),
    case("asarray", lambda xp, x: xp.asarray([[x[0], 1], [x[1] ** 2, x[0]]]), normal(2), detail="nested", **LISTS),
    case("asarray", lambda xp, x: xp.asarray(x, copy=True) ** 2, normal(2), detail="copy", **ORACLE),
    case("full", lambda xp, x: xp.full((2, 3), x) ** 2, normal(), **ORACLE),
    case("full_like", lambda xp, a, x: xp.full_like(a, x) * a**2, normal(3), normal(), detail="of an array", **ORACLE),
    case("linspace", lambda xp, a, b: xp.linspace(a, b, 5) ** 2, normal(), normal(), **ORACLE),
    case("linspace", lambda xp, a: xp.linspace(a, 2, 4, endpoint=False) ** 2, normal(), detail="open", **ORACLE),
    case("concat", lambda xp, a, b: xp.concat([a, b]) ** 2, normal(2, 3), normal(1, 3)),
    case("concat", lambda xp, a, b: xp.concat((a, b, a), axis=-1) ** 2, normal(2, 3), normal(2, 0), detail="axis -1"),
    case("concat", lambda xp, a, b: xp.concat([a, b], axis=None) ** 2, normal(2, 3), normal(2), detail="axis None"),
    case("concat", lambda xp, a, b: xp.concat([a, b]) ** 2, normal(2), complexes(2), detail="real and complex"),
    case("stack", lambda xp, a, b: xp.stack([a, b]) ** 2, normal(2, 3), normal(2, 3)),
    case("stack", lambda xp, a, b: xp.stack([a, b, a * b], axis=-1) ** 2, normal(2), normal(2), detail="axis -1"),
    case("stack", lambda xp, a, b: xp.stack([a, b], axis=0) ** 2, normal(), normal(), detail="of 0-d arrays"),
    case(
        "broadcast_arrays",
        lambda xp, a, b: xp.broadcast_arrays(a, b)[0] ** 2 * xp.broadcast_arrays(a, b)[1],
        normal(3, 1),
        normal(2),
    ),
    case("meshgrid", lambda xp, a, b: xp.meshgrid(a, b)[0] ** 2 * xp.meshgrid(a, b)[1], normal(3), normal(2)),
    case(
        "meshgrid",
        lambda xp, a, b, c: (
            xp.meshgrid(a, b, c, indexing="ij")[1] ** 2 * xp.meshgrid(a, b, c, indexing="ij")[2] + a[:, None, None]
        ),
        normal(3),
        normal(2),
        normal(2),
        detail="ij",
    ),
    case(
        "diff",
        lambda xp, x, a, b: xp.diff(x, axis=0, prepend=a, append=b) ** 2,
        normal(3, 2),
        normal(1, 2),
        normal(2, 2),
        detail="prepend, append",
    ),
    case("arange", lambda xp, a: xp.arange(a, a + 3.5) ** 2, normal(), shaped=False, **ORACLE, skip=STRICT),
    case(
        "arange",
        lambda xp, a: xp.arange(0, 4 * a, a) ** 2,
        positive(),
        detail="step",
        shaped=False,
        **ORACLE,
        skip=STRICT,
    ),
    case("concat", lambda xp, x: xp.concat(x) ** 2, normal(2, 3), detail="of one array", **LIST_OF_ROWS),
    case("stack", lambda xp, x: xp.stack(x, axis=1) ** 2, normal(2, 3), detail="of one array", **LIST_OF_ROWS),
    case("tile", lambda xp, x: xp.tile(x, 2) ** 2, normal(2, 3), detail="by a number", **BY_NUMBER),
    case("roll", lambda xp, x: xp.roll(x, xp.argmax(x)) ** 2 * x, normal(4), detail="by an array", **BY_ARRAY),
]
