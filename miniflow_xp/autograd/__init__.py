"""HIPS/autograd's interface over this package: its programs run by ``miniflow_xp.autograd`` in place of ``autograd``.

``from miniflow_xp.autograd import grad``, ``import miniflow_xp.autograd.numpy as np``. ``docs/coming-from-autograd.md``
says what differs.
"""

from miniflow_xp.autograd.builtins import dict, isinstance, list, tuple, type  # noqa: A004  HIPS/autograd's names
from miniflow_xp.autograd.differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from miniflow_xp.autograd.differential_operators import elementwise_grad as egrad
from miniflow_xp.autograd.extend import primitive

__all__ = [
    "checkpoint",
    "deriv",
    "dict",
    "egrad",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "multigrad_dict",
    "primitive",
    "tensor_jacobian_product",
    "tuple",
    "type",
    "value_and_grad",
    "vector_jacobian_product",
]
