"""Complex numbers."""

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, normal

CASES: list[Case] = [
    case("conj", lambda xp, z: xp.conj(z) * z * z, complexes(3, 2)),
    case("conj", lambda xp, z: xp.conj(xp.exp(z)), complexes(3), detail="alone"),
    case("real", lambda xp, z: xp.real(z) ** 2, complexes(3, 2)),
    case("real", lambda xp, z: xp.real(z * z) * z, complexes(3), detail="times complex"),
    case("imag", lambda xp, z: xp.imag(z) ** 3, complexes(3, 2)),
    case("imag", lambda xp, z: xp.imag(z * xp.exp(z)), complexes(3), detail="of a product"),
    case("real", lambda xp, z: z.real * z.imag, complexes(3), detail="as attributes"),
    case("angle", lambda xp, z: xp.angle(z), complexes(3, 2)),
    case("abs", lambda xp, x, z: xp.abs(x * z + 1j), normal(3), complexes(2, 3), detail="real times complex"),
    case("multiply", lambda xp, x, z: xp.real(xp.conj(z) * x * z), normal(3), complexes(2, 3), detail="quadratic"),
    case("exp", lambda xp, x: xp.abs(xp.exp(1j * xp.astype(x, xp.complex128))) * x, normal(3), detail="of i x"),
]
