"""Calls of SciPy."""

import numpy as np
from array_api_compat import array_namespace
from scipy import (
    cluster,
    constants,
    differentiate,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    spatial,
    special,
    stats,
)
from scipy.cluster import vq
from scipy.optimize import elementwise
from scipy.spatial.transform import RigidTransform, Rotation, Slerp

from .call import Rows, definite, normal, positive, unit
from .plain import np_like

row = Rows("SciPy")


N, P, U = normal(6), positive(6), unit(6)
NN, PP, UU = normal(7, 3), positive(7, 3), unit(7, 3)

# special
for name in (
    *("erf", "erfc", "expit", "gammaln", "gamma", "digamma", "psi", "entr", "sinc"),
    *("i0", "i0e", "i1", "i1e", "ndtr", "log_ndtr", "rgamma", "loggamma"),
):
    row(f"special.{name}", getattr(special, name), positive(5))
for name in ["logit", "ndtri", "erfinv"]:
    row(f"special.{name}", getattr(special, name), U)
for name in ["xlogy", "xlog1py", "rel_entr", "kl_div", "betaln", "beta", "poch", "boxcox"]:
    row(f"special.{name}", getattr(special, name), positive(5), positive(5, seed=1))
row("special.gammainc", lambda x: special.gammainc(1.5, x), P)
row("special.betainc", lambda x: special.betainc(1.5, 2.0, x), U)
row("special.huber", lambda x: special.huber(1.0, x), 2 * N)
row("special.pseudo_huber", lambda x: special.pseudo_huber(1.0, x), N)
row("special.logsumexp", lambda x: special.logsumexp(x, axis=0), NN)
row("special.logsumexp, with b", lambda x, b: special.logsumexp(x, axis=0, b=b), NN, PP)
row("special.softmax", lambda x: special.softmax(x, axis=1), NN)
row("special.log_softmax", lambda x: special.log_softmax(x, axis=1), NN)
row("special.multigammaln", lambda x: special.multigammaln(x, 2), P + 1)
row("special.polygamma", lambda x: special.polygamma(1, x), P)
row("special.zeta", lambda q: special.zeta(2.5, q), P)
row("special.exp10", special.exp10, N)
row("special.cbrt", special.cbrt, P)
row("special.j0", special.j0, P)
row("special.ellipk", special.ellipk, U)
row("special.expi", special.expi, P)
row("special.chdtrc", lambda x: special.chdtrc(3.0, x), P)
row("special.stdtr", lambda x: special.stdtr(3.0, x), N)

# stats
for name in (
    *("zscore", "gmean", "hmean", "variation", "sem", "skew", "kurtosis", "moment"),
    *("tmean", "tvar", "tstd", "tsem", "tmin", "tmax"),
):
    arguments = {"order": 3} if name == "moment" else {}
    row(f"stats.{name}", lambda x, name=name, kw=arguments: getattr(stats, name)(x, axis=0, **kw), PP)
row("stats.gzscore", lambda x: stats.gzscore(x, axis=0), PP)
row("stats.gstd", lambda x: stats.gstd(x, axis=0), PP)
row("stats.pmean", lambda x: stats.pmean(x, 1.5, axis=0), PP)
row("stats.pmean, weights", lambda x, w: stats.pmean(x, 1.5, axis=0, weights=w), PP, positive(7, 3, seed=1))
row("stats.zmap", lambda x, y: stats.zmap(x, y, axis=0), PP, positive(7, 3, seed=1))
row("stats.entropy", lambda x: stats.entropy(x, axis=0), PP)
row("stats.entropy, two", lambda x, y: stats.entropy(x, y, axis=0), PP, positive(7, 3, seed=1))
row("stats.differential_entropy", lambda x: stats.differential_entropy(x, axis=0), normal(20, 2))
row("stats.describe", lambda x: list(stats.describe(x, axis=0)[2:]), PP)
row("stats.quantile", lambda x: stats.quantile(x, 0.4, axis=0), NN)
row("stats.quantile, in p", lambda p: stats.quantile(np_like(p, normal(8)), p), U)
row("stats.iqr", lambda x: stats.iqr(x, axis=0), NN)
row("stats.median_abs_deviation", lambda x: stats.median_abs_deviation(x, axis=0), NN)
row("stats.trim_mean", lambda x: stats.trim_mean(x, 0.2, axis=0), NN)
row("stats.kstat", lambda x: stats.kstat(x, 3, axis=0), NN)
row("stats.kstatvar", lambda x: stats.kstatvar(x, 2, axis=0), NN)
row("stats.lmoment", lambda x: stats.lmoment(x, axis=0), NN)
row("stats.circmean", lambda x: stats.circmean(x, axis=0), UU)
row("stats.circvar", lambda x: stats.circvar(x, axis=0), UU)
row("stats.circstd", lambda x: stats.circstd(x, axis=0), UU)
row("stats.directional_stats", lambda x: list(vars(stats.directional_stats(x)).values()), NN)
row("stats.boxcox_llf", lambda x: stats.boxcox_llf(0.5, x), P)
row("stats.boxcox_llf, in lambda", lambda lam: stats.boxcox_llf(lam, np_like(lam, positive(6))), np.asarray(0.5))
row("stats.yeojohnson_llf", lambda x: stats.yeojohnson_llf(0.5, x), P)
row("stats.pearsonr", lambda x, y: stats.pearsonr(x, y).statistic, normal(8), normal(8, seed=1))
row("stats.pearsonr, p", lambda x, y: stats.pearsonr(x, y).pvalue, normal(8), normal(8, seed=1))
row("stats.linregress", lambda x, y: stats.linregress(x, y).slope, normal(8), normal(8, seed=1))
row("stats.ttest_1samp", lambda x: stats.ttest_1samp(x, 0.3).statistic, normal(8))
row("stats.ttest_1samp, p", lambda x: stats.ttest_1samp(x, 0.3).pvalue, normal(8))
row("stats.ttest_ind", lambda x, y: stats.ttest_ind(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.ttest_rel", lambda x, y: stats.ttest_rel(x, y).statistic, normal(8), normal(8, seed=1))
row("stats.f_oneway", lambda x, y: stats.f_oneway(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.bartlett", lambda x, y: stats.bartlett(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.levene", lambda x, y: stats.levene(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.alexandergovern", lambda x, y: stats.alexandergovern(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.chisquare", lambda x: stats.chisquare(x, sum_check=False).statistic, P)
row("stats.power_divergence", lambda x: list(stats.power_divergence(x, lambda_=0.5)), P)
row("stats.jarque_bera", lambda x: list(stats.jarque_bera(x)), normal(12))
row("stats.skewtest", lambda x: list(stats.skewtest(x)), normal(12))
row("stats.kurtosistest", lambda x: list(stats.kurtosistest(x)), normal(24))
row("stats.normaltest", lambda x: list(stats.normaltest(x)), normal(24))
row("stats.combine_pvalues", lambda p: list(stats.combine_pvalues(p)), U)
row("stats.false_discovery_control", lambda *xs: stats.false_discovery_control(*xs), U)
row("stats.rankdata", lambda *xs: stats.rankdata(*xs), N)
row("stats.mannwhitneyu", lambda x, y: stats.mannwhitneyu(x, y).statistic, normal(8), normal(7, seed=1))
row("stats.spearmanrho", lambda x, y: stats.spearmanrho(x, y).statistic, normal(8), normal(8, seed=1))
row("stats.norm.logpdf", lambda *xs: stats.norm.logpdf(*xs), N)
row("stats.norm.pdf, in loc and scale", lambda m, s: stats.norm.pdf(0.3, m, s), N, P)
row("stats.norm.cdf", lambda *xs: stats.norm.cdf(*xs), N)
row("stats.expon.logpdf", lambda *xs: stats.expon.logpdf(*xs), P)
row("stats.gamma.logpdf", lambda x: stats.gamma.logpdf(x, 2.0), P)
row("stats.t.logpdf", lambda x: stats.t.logpdf(x, 4.0), N)
row("stats.multivariate_normal.logpdf", lambda x: stats.multivariate_normal.logpdf(x, np_like(x, [0.0, 0.0, 0.0])), NN)
row("stats.gaussian_kde", lambda x: stats.gaussian_kde(x)(np_like(x, [0.1])), normal(8))

# integrate
row("integrate.trapezoid", lambda y: integrate.trapezoid(y, dx=0.1, axis=0), NN)
row("integrate.trapezoid, in x", lambda *xs: integrate.trapezoid(*xs), N, np.cumsum(P))
row("integrate.cumulative_trapezoid", lambda y: integrate.cumulative_trapezoid(y, axis=0, initial=0), NN)
row("integrate.simpson", lambda y: integrate.simpson(y, dx=0.1, axis=0), NN)
row("integrate.simpson, in x", lambda y, x: integrate.simpson(y, x=x), N, np.cumsum(P))
row("integrate.cumulative_simpson", lambda y: integrate.cumulative_simpson(y, dx=0.1, axis=0), NN)
row("integrate.romb", lambda y: integrate.romb(y, dx=0.1), normal(9))
row(
    "integrate.tanhsinh",
    lambda a: (
        integrate.tanhsinh(lambda x, a: array_namespace(x).exp(-a * x * x), 0.0 * a, 1.0 + 0 * a, args=(a,)).integral
    ),
    positive(3),
)
row(
    "integrate.tanhsinh, in a limit",
    lambda b: integrate.tanhsinh(lambda x: array_namespace(x).exp(-x * x), 0.0 * b, b).integral,
    positive(3),
)
row(
    "integrate.nsum",
    lambda a: integrate.nsum(lambda k, a: array_namespace(k).exp(-a * k), 0.0 * a, 20.0 + 0 * a, args=(a,)).sum,
    positive(3),
)
row(
    "integrate.cubature",
    lambda a: (
        integrate.cubature(
            lambda x, a: array_namespace(x).exp(-a * x[:, 0] * x[:, 0]), np_like(a, [0.0]), np_like(a, [1.0]), args=(a,)
        ).estimate
    ),
    np.asarray(0.7),
)
row("integrate.fixed_quad", lambda a: integrate.fixed_quad(lambda x: a * x**2, 0.0, 1.0)[0], np.asarray(0.7))
row("integrate.quad", lambda a: integrate.quad(lambda x: a * x**2, 0.0, 1.0)[0], np.asarray(0.7))
row(
    "integrate.solve_ivp",
    lambda y: integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), y, rtol=1e-9, atol=1e-9).y[:, -1],
    positive(2),
)
row("integrate.odeint", lambda y: integrate.odeint(lambda y, t: -y, y, [0.0, 1.0], rtol=1e-9, atol=1e-9), positive(2))

# differentiate, optimize
row("differentiate.derivative", lambda x: differentiate.derivative(lambda x: array_namespace(x).sin(x), x).df, N)
row("differentiate.jacobian", lambda x: differentiate.jacobian(lambda x: x**2, x).df, positive(3))
row("differentiate.hessian", lambda x: differentiate.hessian(optimize.rosen, x).ddf, positive(3))
row("optimize.rosen", optimize.rosen, N)
row("optimize.rosen_der", optimize.rosen_der, N)
row("optimize.rosen_hess", optimize.rosen_hess, N)
row("optimize.rosen_hess_prod", optimize.rosen_hess_prod, N, normal(6, seed=1))
row(
    "optimize.elementwise.find_root",
    lambda a: elementwise.find_root(lambda x, a: x**3 - a, (0.0 * a, 3.0 + 0 * a), args=(a,)).x,
    positive(3),
)
row(
    "optimize.elementwise.find_minimum",
    lambda a: (
        elementwise.find_minimum(
            lambda x, a: (x * x - a) ** 2 + 0 * a, (0.2 + 0 * a, 0.8 + 0 * a, 3.0 + 0 * a), args=(a,)
        ).f_x
    ),
    positive(3),
)
row("optimize.approx_fprime", lambda x: optimize.approx_fprime(x, optimize.rosen), positive(3))
row("optimize.minimize", lambda a: optimize.minimize(lambda x: ((x - a) ** 2).sum(), a).x, positive(3))
row("optimize.newton", lambda a: optimize.newton(lambda x: x**2 - a, 1.0 + 0 * a, fprime=lambda x: 2 * x), positive(3))

# fft
for name in ["fft", "ifft", "rfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn"]:
    row(f"fft.{name}", getattr(fft, name), normal(6, 4))
row("fft.irfft", lambda x: fft.irfft(x, axis=0), normal(5, 3))
row("fft.irfftn", lambda x: fft.irfftn(x), normal(5, 3))
row("fft.fftshift", fft.fftshift, normal(6, 4))
row("fft.ifftshift", fft.ifftshift, normal(6, 4))
row("fft.dct", lambda x: fft.dct(x, axis=0), normal(6, 4))
row("fft.idctn", lambda x: fft.idctn(x), normal(6, 4))
row("fft.dst", lambda x: fft.dst(x, axis=0), normal(6, 4))
row("fft.fht", lambda x: fft.fht(x, 0.1, 0.0), N)
row("fft.ifht", lambda x: fft.ifht(x, 0.1, 0.0), N)

# signal
row("signal.fftconvolve", lambda *xs: signal.fftconvolve(*xs), normal(8), normal(3, seed=1))
row("signal.oaconvolve", lambda *xs: signal.oaconvolve(*xs), normal(30), normal(3, seed=1))
row("signal.convolve", lambda x, y: signal.convolve(x, y, method="fft"), normal(8), normal(3, seed=1))
row("signal.convolve, direct", lambda x, y: signal.convolve(x, y, method="direct"), normal(8), normal(3, seed=1))
row("signal.correlate", lambda x, y: signal.correlate(x, y, method="fft"), normal(8), normal(3, seed=1))
row("signal.convolve2d", lambda *xs: signal.convolve2d(*xs), normal(5, 4), normal(2, 2, seed=1))
row("signal.hilbert", lambda x: signal.hilbert(x), normal(8))
row("signal.hilbert2", lambda x: signal.hilbert2(x), normal(4, 4))
row("signal.envelope", lambda x: signal.envelope(x), normal(8))
row("signal.detrend", lambda x: signal.detrend(x, axis=0), NN)
row("signal.detrend, constant", lambda x: signal.detrend(x, axis=0, type="constant"), NN)
row("signal.resample", lambda x: signal.resample(x, 12), normal(8))
row("signal.resample_poly", lambda x: signal.resample_poly(x, 2, 1), normal(8))
row("signal.freqz", lambda b: signal.freqz(b, worN=8)[1], normal(4))
row("signal.freqz, in a", lambda b, a: signal.freqz(b, a, worN=8)[1], normal(4), normal(3, seed=1) + 4)
row("signal.freqz_zpk", lambda z: signal.freqz_zpk(z, 0.5 * z, 1.0, worN=8)[1], U)
row("signal.freqs", lambda b, a: signal.freqs(b, a, worN=np_like(b, [0.5, 1.0]))[1], normal(3), positive(3))
row("signal.bilinear", lambda b, a: list(signal.bilinear(b, a, 2.0)), normal(3), positive(3))
row("signal.zpk2tf", lambda z: list(signal.zpk2tf(z, z, 1.0)), U)
row("signal.lfilter", lambda x: signal.lfilter(np_like(x, [1.0, 0.5]), np_like(x, [1.0, -0.3]), x), normal(8))
row("signal.filtfilt", lambda x: signal.filtfilt(np_like(x, [1.0, 0.5]), np_like(x, [1.0, -0.3]), x), normal(20))
row("signal.sosfilt", lambda x: signal.sosfilt(np_like(x, [[1.0, 0.5, 0.1, 1.0, -0.3, 0.1]]), x), normal(8))
row("signal.savgol_filter", lambda x: signal.savgol_filter(x, 5, 2), normal(9))
row("signal.gauss_spline", lambda x: signal.gauss_spline(x, 3), N)
row("signal.sawtooth", lambda x: signal.sawtooth(x, 0.5), P)
row("signal.chirp", lambda t: signal.chirp(t, 1.0, 1.0, 2.0), P)
row("signal.periodogram", lambda x: signal.periodogram(x)[1], normal(8))
row("signal.welch", lambda x: signal.welch(x, nperseg=8)[1], normal(16))

# linalg
row("linalg.solve", lambda *xs: linalg.solve(*xs), definite(3), normal(3, 2))
row("linalg.inv", lambda *xs: linalg.inv(*xs), definite(3))
row("linalg.det", lambda *xs: linalg.det(*xs), definite(3))
row("linalg.norm", lambda *xs: linalg.norm(*xs), normal(3, 3))
row("linalg.expm", lambda *xs: linalg.expm(*xs), normal(3, 3))
row("linalg.cholesky", lambda *xs: linalg.cholesky(*xs), definite(3))
row("linalg.cho_solve", lambda a, b: linalg.cho_solve(linalg.cho_factor(a), b), definite(3), normal(3, 2))
row(
    "linalg.solve_triangular",
    lambda a, b: linalg.solve_triangular(a, b, lower=True),
    np.tril(definite(3)),
    normal(3, 2),
)
row("linalg.lstsq", lambda a, b: linalg.lstsq(a, b)[0], normal(5, 3), normal(5))
row("linalg.eigh", lambda a: linalg.eigh(a + a.T)[0], normal(3, 3))
row("linalg.svdvals", lambda *xs: linalg.svdvals(*xs), normal(4, 3))
row("linalg.pinv", lambda *xs: linalg.pinv(*xs), normal(4, 3))
row("linalg.block_diag", lambda *xs: linalg.block_diag(*xs), normal(2, 2), normal(3, 2, seed=1))
row("linalg.toeplitz", lambda *xs: linalg.toeplitz(*xs), normal(3))
row("linalg.fiedler", lambda *xs: linalg.fiedler(*xs), N)
row("linalg.khatri_rao", lambda *xs: linalg.khatri_rao(*xs), normal(2, 3), normal(3, 3, seed=1))
row(
    "linalg.orthogonal_procrustes",
    lambda a, b: linalg.orthogonal_procrustes(a, b)[0],
    normal(5, 3),
    normal(5, 3, seed=1),
)

# spatial, cluster, constants
quaternions = normal(4, 4)
row("Rotation.from_quat.as_matrix", lambda q: Rotation.from_quat(q).as_matrix(), quaternions)
row("Rotation.from_rotvec.apply", lambda v, x: Rotation.from_rotvec(v).apply(x), normal(4, 3), normal(4, 3, seed=1))
row("Rotation.from_euler.as_quat", lambda a: Rotation.from_euler("xyz", a).as_quat(), normal(4, 3))
row(
    "Rotation.from_matrix.as_rotvec",
    lambda v: Rotation.from_matrix(Rotation.from_rotvec(v).as_matrix()).as_rotvec(),
    normal(4, 3),
)
row("Rotation.as_euler", lambda q: Rotation.from_quat(q).as_euler("zyx"), quaternions)
row("Rotation.as_mrp", lambda q: Rotation.from_quat(q).as_mrp(), quaternions)
row(
    "Rotation.inv, mul",
    lambda q, r: (Rotation.from_quat(q).inv() * Rotation.from_quat(r)).as_matrix(),
    quaternions,
    normal(4, 4, seed=1),
)
row("Rotation.magnitude", lambda q: Rotation.from_quat(q).magnitude(), quaternions)
row("Rotation.mean", lambda q: Rotation.from_quat(q).mean().as_matrix(), normal(4, 4) / 5 + np.eye(4)[3])
row("Rotation.pow", lambda q: (Rotation.from_quat(q) ** 0.5).as_rotvec(), quaternions)
row(
    "Rotation.align_vectors",
    lambda a, b: Rotation.align_vectors(a, b)[0].as_matrix(),
    normal(4, 3),
    normal(4, 3, seed=1),
)
row(
    "Slerp",
    lambda q: Slerp(np_like(q, [0.0, 1.0, 2.0, 3.0]), Rotation.from_quat(q))(np_like(q, [0.5, 1.7])).as_matrix(),
    quaternions,
)
row(
    "RigidTransform.apply",
    lambda v, t, x: RigidTransform.from_components(t, Rotation.from_rotvec(v)).apply(x),
    normal(3),
    normal(3, seed=1),
    normal(4, 3),
)
row("RigidTransform.as_exp_coords", lambda v: RigidTransform.from_exp_coords(v).inv().as_exp_coords(), normal(4, 6) / 2)
row("RigidTransform.as_dual_quat", lambda v: RigidTransform.from_exp_coords(v).as_dual_quat(), normal(4, 6) / 2)
row("spatial.distance.cdist", lambda *xs: spatial.distance.cdist(*xs), normal(4, 3), normal(3, 3, seed=1))
row("spatial.distance.pdist", lambda *xs: spatial.distance.pdist(*xs), normal(4, 3))
row("spatial.distance.euclidean", lambda *xs: spatial.distance.euclidean(*xs), N, normal(6, seed=1))
row("spatial.distance.cosine", lambda *xs: spatial.distance.cosine(*xs), N, normal(6, seed=1))
row("cluster.vq.whiten", vq.whiten, NN)
row("cluster.vq.vq", lambda x, c: vq.vq(x, c)[1], NN, normal(2, 3, seed=1))
row("cluster.hierarchy.linkage", lambda x: cluster.hierarchy.linkage(x)[:, 2], NN)
row("constants.convert_temperature", lambda t: constants.convert_temperature(t, "C", "F"), N)
row("constants.lambda2nu", constants.lambda2nu, P)

# interpolate, ndimage
x6 = np.arange(6.0)
row("interpolate.CubicSpline", lambda y: interpolate.CubicSpline(np_like(y, x6), y)(np_like(y, [0.5, 2.2])), N)
row("interpolate.interp1d", lambda y: interpolate.interp1d(np_like(y, x6), y)(np_like(y, [0.5, 2.2])), N)
row(
    "interpolate.PchipInterpolator",
    lambda y: interpolate.PchipInterpolator(np_like(y, x6), y)(np_like(y, [0.5, 2.2])),
    N,
)
row(
    "interpolate.make_interp_spline",
    lambda y: interpolate.make_interp_spline(np_like(y, x6), y)(np_like(y, [0.5, 2.2])),
    N,
)
row(
    "interpolate.RegularGridInterpolator",
    lambda y: interpolate.RegularGridInterpolator((np_like(y, x6),), y)(np_like(y, [[0.5], [2.2]])),
    N,
)
row(
    "interpolate.RBFInterpolator",
    lambda y: interpolate.RBFInterpolator(np_like(y, x6[:, None]), y)(np_like(y, [[0.5], [2.2]])),
    N,
)
row(
    "interpolate.BarycentricInterpolator",
    lambda y: interpolate.BarycentricInterpolator(np_like(y, x6), y)(np_like(y, [0.5, 2.2])),
    N,
)
row("ndimage.gaussian_filter", lambda x: ndimage.gaussian_filter(x, 1.0), normal(5, 5))
row("ndimage.convolve", lambda *xs: ndimage.convolve(*xs), normal(5, 5), normal(3, 3, seed=1))
row("ndimage.uniform_filter", lambda x: ndimage.uniform_filter(x, 3), normal(5, 5))
row(
    "ndimage.map_coordinates",
    lambda x: ndimage.map_coordinates(x, np_like(x, [[0.5, 1.2], [0.3, 2.2]]), order=1),
    normal(5, 5),
)
row("ndimage.sobel", lambda *xs: ndimage.sobel(*xs), normal(5, 5))
row("ndimage.vectorized_filter", lambda x: ndimage.vectorized_filter(x, array_namespace(x).mean, size=3), normal(6))
