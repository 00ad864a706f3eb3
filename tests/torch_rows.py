"""Rows of the table of PyTorch's functions: calls as its users write them."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  as its users do

from miniflow_xp.gradcheck.examples.draws import Draws

_draws = Draws()
normal, positive, complexes = _draws.normal, _draws.positive, _draws.complexes
ROWS = []


def row(name, call, *arrays):
    ROWS.append((name, call, arrays))


A, B, P, V, W, T = normal(3, 4), positive(3, 4), positive(5), normal(5), normal(5), normal(2, 3, 4)
I01 = np.tanh(V) / 2 + 0.5
D = normal(3, 3)
D = D @ D.T + 3 * np.eye(3)
LABELS = torch.tensor([0, 2, 1])
MASK = torch.tensor(A > 0)

for name in [
    "abs",
    "neg",
    "exp",
    "exp2",
    "expm1",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "sigmoid",
    "erf",
    "erfc",
    "square",
    "reciprocal",
    "deg2rad",
    "rad2deg",
    "sinc",
    "frac",
    "sign",
    "positive",
    "i0",
    "absolute",
    "negative",
    "arctan",
    "arcsinh",
]:
    row(name, getattr(torch, name), V)
for name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "lgamma", "digamma"]:
    row(name, getattr(torch, name), P)
for name in ["asin", "acos", "atanh", "erfinv", "arcsin", "arccos", "arctanh"]:
    row(name, getattr(torch, name), np.tanh(V))
for name in ["acosh", "arccosh"]:
    row(name, getattr(torch, name), 1.5 + P)
for name in [
    "expit",
    "erf",
    "erfc",
    "erfcx",
    "ndtr",
    "log_ndtr",
    "gammaln",
    "digamma",
    "entr",
    "i0e",
    "i1",
    "expm1",
    "log1p",
    "exp2",
]:
    row(f"special.{name}", getattr(torch.special, name), P)
for name in [
    "add",
    "sub",
    "mul",
    "div",
    "multiply",
    "divide",
    "true_divide",
    "subtract",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "arctan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "copysign",
]:
    row(name, getattr(torch, name), A, B)
for name in ["pow", "float_power", "remainder", "fmod", "xlogy"]:
    row(name, getattr(torch, name), B, A)
row("logit", torch.logit, I01)
row("special.xlog1py", torch.special.xlog1py, A, B)
row("add", lambda x, y: torch.add(x, y, alpha=2) + torch.sub(x, 1.5) - torch.rsub(x, y), A, B)
row("div", lambda x, y: x - torch.div(x, y, rounding_mode="floor"), A, B)
row("add", lambda x: torch.ones(5, dtype=torch.float64) + x * torch.arange(5) - torch.eye(5, dtype=x.dtype) @ x, V)
row("clamp", lambda x: torch.clamp(x, min=-0.5) + torch.clip(x, -1, 1) + x.clamp(max=0.3), A)
row("where", lambda x: torch.where(x > 0, x, 0.0) + torch.where(MASK, 1.0, x), A)
row("lerp", lambda x, y: torch.lerp(x, y, 0.3), A, B)
row("addcmul", lambda x, y: torch.addcmul(x, x, y, value=2) + torch.addcdiv(x, x, y), A, B)
row("conj", lambda z: torch.conj(z) * z + torch.abs(z) + torch.real(z) * torch.imag(z) + torch.angle(z), complexes(3))
row("nan_to_num", torch.nan_to_num, A)
for name in [
    "gelu",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "tanhshrink",
    "logsigmoid",
    "hardtanh",
]:
    row(name, getattr(F, name), V)
row("gelu", lambda x: F.gelu(x, approximate="tanh"), V)
row("relu", lambda x: torch.relu(x) * x.relu() * F.relu(x), V)
# reductions
for name in ["sum", "mean", "prod", "amax", "amin", "std", "var", "nansum", "nanmean"]:
    f = getattr(torch, name)
    row(name, lambda x, f=f: f(x, 1), A)
    row(name, lambda x, f=f: f(x, dim=-1, keepdim=True) * x, A)
for name in ["sum", "mean", "prod", "max", "min", "std", "var"]:
    f = getattr(torch, name)
    row(name, f, A)
    row(name, lambda x, n=name: getattr(x, n)() * x, A)
row("std", lambda x: torch.std(x, unbiased=False) + torch.var(x, 0, correction=2) + x.std(0), A)
row("max", lambda x: torch.max(x, 1)[0] + torch.min(x, dim=1).values + x.max(dim=1, keepdim=True).values[:, 0], A)
row("max", torch.max, A, B)
row("sum", lambda x: torch.sum(x, dim=(0, 2)) * x.sum(0)[:, 0], T)
row("logsumexp", lambda x: torch.logsumexp(x, 1) + x.logsumexp(dim=1), A)
row("norm", lambda x: torch.norm(x) + torch.norm(x, dim=1) + torch.norm(x, 1, dim=1) + x.norm(), A)
row("cumsum", lambda x: torch.cumsum(x, 1) * x.cumprod(dim=0), A)
row("sort", lambda x: torch.sort(x, dim=0)[0] * x.sort(descending=True).values, A)
row("topk", lambda x: torch.topk(x, 2, dim=1).values, A)
row("quantile", lambda x: torch.quantile(x, 0.3, dim=1), A)
row("diff", lambda x: torch.diff(x, dim=0), A)
row("trapezoid", lambda y, x: torch.trapezoid(y, torch.cumsum(x, 0)), V, P)
row("cov", lambda x: torch.cov(x) + torch.corrcoef(x), A)
# shapes
row("reshape", lambda x: torch.reshape(x, (-1, 2)) + x.view(6, 2) + x.reshape(6, -1) + x.view(-1).view((6, 2)), A)
row("flatten", lambda x: torch.flatten(x, 1) * x.flatten()[:12] + torch.ravel(x)[0], T)
row("unsqueeze", lambda x: torch.squeeze(torch.unsqueeze(x, 0)) + x.unsqueeze(-1).squeeze(2), A)
row("contiguous", lambda x: x.t().contiguous() * x.contiguous().t() / x.numel() + x.dim(), A)
row("to", lambda x: x.to(torch.float32).to("cpu").to(x) + x.cpu().type_as(x) + x.to(dtype=x.dtype, copy=True), A)
row("new_zeros", lambda x: x.new_zeros(4) + x * x.new_ones((3, 4)) - x.new_full((4,), 2.0), A)
row("add_", lambda x: x.clone().mul_(2).add_(x).clamp_(min=0.0), A)
row("transpose", lambda x: torch.transpose(x, 0, 2) + x.transpose(-1, 0), T)
row("permute", lambda x: torch.permute(x, (2, 0, 1)) + x.permute(2, 0, 1), T)
row("t", lambda x: torch.t(x) + x.t() + x.T, A)
row("movedim", lambda x: torch.movedim(x, 0, -1), T)
row("flip", lambda x: torch.flip(x, (0, 1)) + torch.fliplr(x) + torch.flipud(x), A)
row("rot90", lambda x: torch.rot90(x, 1, (0, 1)), A)
row("roll", lambda x: torch.roll(x, 1) + torch.roll(x, (1, -1), (0, 1)), A)
row("tile", lambda x: torch.tile(x, (2, 3)) + x.repeat(2, 3), A)
row("repeat_interleave", lambda x: torch.repeat_interleave(x, 2, dim=1), A)
row("broadcast_to", lambda x: torch.broadcast_to(x, (2, 5)) + x.expand(2, -1), V)
row("broadcast_tensors", lambda x, y: torch.mul(*torch.broadcast_tensors(x, y[:, None])), V, W)
row("meshgrid", lambda x, y: torch.mul(*torch.meshgrid(x, y, indexing="ij")), V, P)
row("cat", lambda x, y: torch.cat([x, y], dim=1) * torch.hstack((y, x)), A, B)
row("cat", lambda x: torch.cat((x, torch.ones(2, 4, dtype=x.dtype))), A)
row("stack", lambda x, y: torch.stack([x, y]) + torch.stack((x, y), dim=0), A, B)
row("vstack", lambda x, y: torch.vstack((x, y)) * 2 + torch.column_stack((x.T, y.T)).T, A, B)
row("dstack", lambda x, y: torch.dstack((x, y)), A, B)
row("split", lambda x: torch.split(x, 2, dim=1)[1] + x.split(2, 1)[0], A)
row("split", lambda x: torch.split(x, [1, 3], dim=1)[1], A)
row("chunk", lambda x: torch.chunk(x, 3)[2] + x.chunk(3, dim=0)[0], V)
row("tensor_split", lambda x: torch.tensor_split(x, 2)[0], V)
row("unbind", lambda x: torch.unbind(x, 1)[2] + x.unbind(1)[0], A)
row("narrow", lambda x: torch.narrow(x, 1, 1, 2) + x.narrow(1, 0, 2), A)
row("select", lambda x: torch.select(x, 1, 2), A)
row("take", lambda x: torch.take(x, torch.tensor([[0, 5], [2, 2]])), A)
row("index_select", lambda x: torch.index_select(x, 1, torch.tensor([0, 2, 2])), A)
row("gather", lambda x: torch.gather(x, 1, LABELS[:, None]) + x.gather(1, LABELS[:, None]), A)
row("take_along_dim", lambda x: torch.take_along_dim(x, torch.argsort(x, dim=1), dim=1), A)
row("masked_select", lambda x: torch.masked_select(x, MASK), A)
row("masked_fill", lambda x: torch.masked_fill(x, MASK, 2.0) + x.masked_fill(~MASK, 0), A)
row("tril", lambda x: torch.tril(x) + torch.triu(x, diagonal=1) + x.tril(-1), A)
row("diag", lambda x: torch.diag(torch.diag(x)) + torch.diagonal(x, offset=1)[0] + torch.trace(x), D)
row("clone", lambda x: torch.clone(x) * x.detach() + torch.detach(x), A)
row("float", lambda x: x.double() * 2 + torch.zeros_like(x) + torch.full_like(x, 2.0) * torch.ones_like(x), A)
row("atleast_2d", lambda x: torch.atleast_2d(x) + torch.atleast_1d(x), V)
# products
for name in ["matmul", "mm"]:
    row(name, lambda x, y, f=getattr(torch, name): f(x, y.T), A, B)  # noqa: B008
row("mv", torch.mv, A, normal(4))
row("bmm", lambda x: torch.bmm(x, x.transpose(1, 2)) + x.bmm(x.transpose(1, 2)), T)
row("dot", lambda x, y: torch.dot(x, y) + torch.inner(x, y) + torch.outer(x, y) + torch.vdot(x, y), V, W)
row("einsum", lambda x, y: torch.einsum("ij,kj->ik", x, y), A, B)
row("tensordot", lambda x, y: torch.tensordot(x, y, dims=([1], [1])), A, B)
row("kron", torch.kron, A, D)
row("addmm", lambda x, y: torch.addmm(torch.ones(3, dtype=x.dtype), x, y.T, alpha=2), A, B)
row("cross", lambda x, y: torch.linalg.cross(x, y) + torch.cross(x, y, dim=1), D, normal(3, 3))
for name in ["inv", "det", "cholesky", "svdvals", "pinv", "matrix_exp", "cond"]:
    row(f"linalg.{name}", lambda x, f=getattr(torch.linalg, name): f((x + x.T) / 2), D)  # noqa: B008
row("linalg.slogdet", lambda x: torch.linalg.slogdet(x)[1] + torch.logdet(x) + torch.det(x), D)
row("linalg.solve", torch.linalg.solve, D, normal(3))
row("linalg.eigh", lambda x: torch.linalg.eigh((x + x.T) / 2)[0] + torch.linalg.eigvalsh((x + x.T) / 2), D)
row("linalg.svd", lambda x: torch.linalg.svd(x, full_matrices=False)[1], A)
row("linalg.qr", lambda x: torch.linalg.qr(x)[1], D)
row("linalg.matrix_power", lambda x: torch.matrix_power(x, 3) + torch.linalg.matrix_power(x, 2), D)
row("linalg.solve_triangular", lambda x, y: torch.linalg.solve_triangular(x, y, upper=False), D, normal(3, 2))
row("linalg.norm", lambda x: torch.linalg.norm(x) + torch.linalg.norm(x, 1) + torch.linalg.norm(x, dim=1), A)
row("linalg.vector_norm", lambda x: torch.linalg.vector_norm(x, 3) + torch.linalg.matrix_norm(x, "nuc"), A)
row("linalg.multi_dot", lambda x: torch.linalg.multi_dot([x, x.T, x]), A)
row("linalg.vecdot", torch.linalg.vecdot, A, B)
row("linalg.diagonal", torch.linalg.diagonal, T)
for name in ["fft", "ifft", "rfft", "ihfft", "fft2", "ifftn", "rfftn", "fftshift", "ifftshift"]:
    row(f"fft.{name}", getattr(torch.fft, name), A)
row("fft.irfft", lambda z: torch.fft.irfft(z, n=5) + torch.fft.hfft(z, n=5), complexes(3))
# networks
row(
    "softmax",
    lambda x: torch.softmax(x, 1) + F.softmax(x, dim=-1, dtype=torch.float64) * x.softmax(dim=0) - F.softmin(x, dim=1),
    A,
)
row("log_softmax", lambda x: torch.log_softmax(x, dim=1) + F.log_softmax(x, dim=0), A)
row("glu", F.glu, A)
row("linear", F.linear, A, normal(2, 4), normal(2))
row("linear", torch.nn.Linear(4, 2, dtype=torch.float64).requires_grad_(False), A)
row("embedding", lambda w: F.embedding(torch.tensor([[0, 2], [2, 2]]), w), A)
row("dropout", lambda x: F.dropout(x, 0.5, training=False), A)
row("layer_norm", lambda x, w: F.layer_norm(x, (4,), w, w + 1), A, normal(4))
row("normalize", F.normalize, A)
row("cosine_similarity", F.cosine_similarity, A, B)
row("pad", lambda x: F.pad(x, (1, 2)) + F.pad(x, (0, 3, 0, 0), value=2.0), A)
row("pad", lambda x: F.pad(x, (1, 1), mode="reflect") * F.pad(x, (2, 0), mode="replicate"), T)
row(
    "scaled_dot_product_attention",
    lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True),
    T,
    normal(2, 3, 4),
)
for name in ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"]:
    row(name, getattr(F, name), A, B)
row("mse_loss", lambda x: F.mse_loss(x, torch.zeros(3, 4, dtype=x.dtype), reduction="sum"), A)
row("binary_cross_entropy", lambda x: F.binary_cross_entropy(x, (x > 0.5).double()), I01)
row(
    "binary_cross_entropy_with_logits",
    lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(P)),
    V,
    I01,
)
row("cross_entropy", lambda x: F.cross_entropy(x, LABELS) + torch.nn.CrossEntropyLoss(reduction="sum")(x, LABELS), A)
row("cross_entropy", lambda x: F.cross_entropy(x, torch.tensor([0, -100, 1]), torch.tensor(B[0])), A)
row("cross_entropy", lambda x, y: F.cross_entropy(x, y), A, B)
row("nll_loss", lambda x: F.nll_loss(F.log_softmax(x, 1), LABELS, reduction="none"), A)
row(
    "kl_div",
    lambda x, y: F.kl_div(x, y, reduction="batchmean") + F.kl_div(x, y, reduction="sum", log_target=True),
    A,
    B,
)
row("addmv", lambda x, v: torch.addmv(torch.ones(3, dtype=x.dtype), x, v), A, normal(4))
row("baddbmm", lambda x: torch.baddbmm(x[:, :, :3], x, x.transpose(1, 2), beta=0.5), T)
row("adjoint", lambda x: torch.adjoint(x) + x.swapaxes(0, 1), A)
row("cat", lambda x, y: torch.concat([x, y]) + torch.concatenate((y, x), dim=0) + torch.row_stack([x, x]), A, B)
row("fft.fftn", lambda x: torch.fft.fftn(x) + torch.fft.ifft2(x), A)
row("fft.rfft2", torch.fft.rfft2, A)
row("fft.irfftn", lambda z: torch.fft.irfftn(z) + torch.fft.irfft2(z), complexes(2, 3, 3))
row("ger", lambda x, y: torch.ger(x, y) + torch.swapdims(torch.outer(x, y), 0, 1), V, W)
row("inverse", lambda x: torch.inverse(x) + torch.pinverse(x) + torch.linalg.eigvals(x).real.sum(), D)
row("linalg.eig", lambda x: torch.linalg.eig(x).eigenvalues.real, D)
row("moveaxis", lambda x: torch.moveaxis(x, 0, 1) + torch.swapaxes(x, 0, 1), T)
row("nextafter", lambda x: torch.nextafter(x, x + 1) + x.view_as(x) + torch.reshape(x, x.shape), V)
row("special.psi", torch.special.psi, P)
row("trapz", torch.trapz, A)
row("sgn", lambda x: torch.sgn(x) * x, V)

CONSTANT = {
    "heaviside": lambda x: torch.heaviside(x, torch.ones(4, dtype=x.dtype)),
    "comparisons": lambda x: (x == 0) | (x != 1) & (x < 1) ^ (x <= 1) | ~(x > 1) & (x >= 1),
    "by name": lambda x: torch.eq(x, 1) | torch.ne(x, x) | torch.lt(x, 0) | torch.gt(x, 2) | torch.le(x, 0) | x.ge(1),
    "long names": lambda x: torch.less(x, 0) | torch.greater(x, 2) | torch.less_equal(x, 0) | torch.not_equal(x, x),
    "greater_equal": lambda x: torch.greater_equal(x, 0.5),
    "logical": lambda x: torch.logical_and(x > 0, torch.logical_or(x < 1, torch.logical_xor(x > 1, x < 2))),
    "logical_not": lambda x: torch.logical_not(x > 0),
    "bitwise": lambda x: torch.bitwise_and(x > 0, torch.bitwise_or(x < 1, torch.bitwise_xor(x > 1, x < 2))),
    "bitwise_not": lambda x: torch.bitwise_not(x > 0),
    "with a tensor": lambda x: torch.ones(3, 4, dtype=torch.bool) & (x > 0) | torch.zeros(4, dtype=torch.bool),
    "isnan": lambda x: torch.isnan(x) | torch.isinf(x) | torch.isfinite(x),
    "all": lambda x: torch.all(x > 0, dim=1) | torch.any(x > 0, 1),
    "argmax": lambda x: torch.argmax(x, dim=1) - torch.argmin(x, 1),
    "argsort": lambda x: torch.argsort(x, dim=1, descending=True),
    "count_nonzero": lambda x: torch.count_nonzero(x > 0, dim=0),
    "floor": lambda x: torch.floor(x) + torch.ceil(x) * torch.trunc(x) + torch.fix(x) + torch.round(x, decimals=1),
    "floor_divide": lambda x: torch.floor_divide(x, 0.3) + x // 0.5,
    "nonzero": lambda x: torch.nonzero(x > 0),
    "nonzero of tuples": lambda x: torch.nonzero(x > 0, as_tuple=True)[0],
    "getitem": lambda x: x[torch.argsort(x[:, 0])][0] > 0,
}
