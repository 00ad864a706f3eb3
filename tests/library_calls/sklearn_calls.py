"""Calls of scikit-learn, with ``array_api_dispatch``."""

import sklearn
from sklearn import metrics, preprocessing
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    RidgeCV,
)
from sklearn.metrics import pairwise
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from .call import Rows, normal, positive, unit
from .plain import np_like

sklearn.set_config(array_api_dispatch=True)

row = Rows("scikit-learn")
X, Y, P, Q = normal(12, 3), normal(5, 3, seed=1), positive(12, 3), positive(5, 3, seed=1)
TARGET, GUESS = normal(12, seed=2), normal(12, seed=3)
LABELS = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
TWO = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]

# kernels and distances
for name in ["linear", "cosine", "polynomial", "rbf", "sigmoid", "laplacian"]:
    function = getattr(pairwise, "cosine_similarity" if name == "cosine" else f"{name}_kernel")
    row(f"pairwise.{function.__name__}", function, X, Y)
for name in ["additive_chi2_kernel", "chi2_kernel"]:
    row(f"pairwise.{name}", getattr(pairwise, name), P, Q)
for name in ["cosine", "euclidean", "manhattan"]:
    row(f"pairwise.{name}_distances", getattr(pairwise, f"{name}_distances"), X, Y)
for name in ["cosine", "euclidean", "manhattan"]:
    row(f"pairwise.paired_{name}_distances", getattr(pairwise, f"paired_{name}_distances"), X, normal(12, 3, seed=1))
row("pairwise.rbf_kernel, with itself", pairwise.rbf_kernel, X)
row("pairwise.pairwise_kernels, rbf", lambda x, y: pairwise.pairwise_kernels(x, y, metric="rbf"), X, Y)
row("pairwise.pairwise_distances", pairwise.pairwise_distances, X, Y)
row("pairwise.pairwise_distances, cosine", lambda x, y: pairwise.pairwise_distances(x, y, metric="cosine"), X, Y)
row("pairwise.pairwise_distances_argmin", pairwise.pairwise_distances_argmin, X, Y)
row("pairwise.nan_euclidean_distances", pairwise.nan_euclidean_distances, X, Y)

# metrics
for name in ["r2", "explained_variance"]:
    row(f"metrics.{name}_score", getattr(metrics, f"{name}_score"), TARGET, GUESS)
for name in ["absolute", "squared"]:
    row(f"metrics.mean_{name}_error", getattr(metrics, f"mean_{name}_error"), TARGET, GUESS)
row("metrics.root_mean_squared_error", metrics.root_mean_squared_error, TARGET, GUESS)
row("metrics.median_absolute_error", metrics.median_absolute_error, TARGET, GUESS)
row("metrics.max_error", metrics.max_error, TARGET, GUESS)
row("metrics.mean_absolute_percentage_error", metrics.mean_absolute_percentage_error, TARGET, GUESS)
row("metrics.mean_squared_log_error", metrics.mean_squared_log_error, positive(12), positive(12, seed=1))
row("metrics.root_mean_squared_log_error", metrics.root_mean_squared_log_error, positive(12), positive(12, seed=1))
row("metrics.mean_pinball_loss", metrics.mean_pinball_loss, TARGET, GUESS)
row("metrics.mean_poisson_deviance", metrics.mean_poisson_deviance, positive(12), positive(12, seed=1))
row("metrics.mean_gamma_deviance", metrics.mean_gamma_deviance, positive(12), positive(12, seed=1))
row(
    "metrics.mean_tweedie_deviance",
    lambda t, p: metrics.mean_tweedie_deviance(t, p, power=1.5),
    positive(12),
    positive(12, seed=1),
)
row("metrics.d2_tweedie_score", metrics.d2_tweedie_score, TARGET, GUESS)
row("metrics.d2_absolute_error_score", metrics.d2_absolute_error_score, TARGET, GUESS)
row("metrics.d2_pinball_score", metrics.d2_pinball_score, TARGET, GUESS)
row(
    "metrics.mean_squared_error, multioutput",
    lambda t, p: metrics.mean_squared_error(t, p, multioutput="raw_values"),
    X,
    normal(12, 3, seed=1),
)
row(
    "metrics.mean_absolute_error, multioutput",
    lambda t, p: metrics.mean_absolute_error(t, p, multioutput="raw_values"),
    X,
    normal(12, 3, seed=1),
)
row(
    "metrics.r2_score, multioutput",
    lambda t, p: metrics.r2_score(t, p, multioutput="raw_values"),
    X,
    normal(12, 3, seed=1),
)
row("metrics.log_loss", lambda p: metrics.log_loss(np_like(p, TWO), p), unit(12))
row("metrics.brier_score_loss", lambda p: metrics.brier_score_loss(np_like(p, TWO), p), unit(12))
row("metrics.d2_brier_score", lambda p: metrics.d2_brier_score(np_like(p, TWO), p), unit(12))
row("metrics.d2_log_loss_score", lambda p: metrics.d2_log_loss_score(np_like(p, TWO), p), unit(12))
row("metrics.average_precision_score", lambda p: metrics.average_precision_score(np_like(p, TWO), p), unit(12))
row("metrics.roc_auc_score", lambda p: metrics.roc_auc_score(np_like(p, TWO), p), unit(12))

# preprocessing
row("preprocessing.StandardScaler", lambda x: preprocessing.StandardScaler().fit_transform(x), X)
row("preprocessing.MinMaxScaler", lambda x: preprocessing.MinMaxScaler().fit_transform(x), X)
row("preprocessing.MaxAbsScaler", lambda x: preprocessing.MaxAbsScaler().fit_transform(x), X)
row("preprocessing.Normalizer", lambda x: preprocessing.Normalizer().fit_transform(x), X)
row("preprocessing.Normalizer, l1", lambda x: preprocessing.Normalizer("l1").fit_transform(x), X)
row("preprocessing.normalize", preprocessing.normalize, X)
row("preprocessing.scale", preprocessing.scale, X)
row("preprocessing.minmax_scale", preprocessing.minmax_scale, X)
row("preprocessing.PolynomialFeatures", lambda x: preprocessing.PolynomialFeatures(2).fit_transform(x), X)
row("preprocessing.SplineTransformer", lambda x: preprocessing.SplineTransformer(n_knots=4).fit_transform(x), X)
row("preprocessing.KernelCenterer", lambda x: preprocessing.KernelCenterer().fit_transform(x), normal(5, 5))
row("preprocessing.Binarizer", lambda x: preprocessing.Binarizer().fit_transform(x), X)
row("preprocessing.RobustScaler", lambda x: preprocessing.RobustScaler().fit_transform(x), X)
row("preprocessing.PowerTransformer", lambda x: preprocessing.PowerTransformer().fit_transform(x), X)
row("preprocessing.QuantileTransformer", lambda x: preprocessing.QuantileTransformer(n_quantiles=5).fit_transform(x), X)

# models, differentiated through their fit
row("PCA, whole", lambda x: PCA().fit(x).explained_variance_, X)
row("PCA, components", lambda x: PCA(2).fit(x).components_ ** 2, X)
row("PCA, transform", lambda x: PCA(2, svd_solver="full").fit_transform(x) ** 2, X)
row("PCA, inverse_transform", lambda x: (p := PCA(2, svd_solver="full").fit(x)).inverse_transform(p.transform(x)), X)
row("PCA, covariance_eigh", lambda x: PCA(2, svd_solver="covariance_eigh").fit(x).explained_variance_, X)
row("PCA, score_samples", lambda x: PCA(2, svd_solver="full").fit(x).score_samples(x), X)
row("Ridge, coefficients", lambda x, y: Ridge(solver="svd").fit(x, y).coef_, X, TARGET)
row("Ridge, predict", lambda x, y: Ridge(solver="svd").fit(x, y).predict(x), X, TARGET)
row("Ridge, score", lambda x, y: Ridge(solver="svd").fit(x, y).score(x, y), X, TARGET)
row("Ridge, weights", lambda x, y, w: Ridge(solver="svd").fit(x, y, sample_weight=w).coef_, X, TARGET, positive(12))
row("RidgeCV", lambda x, y: RidgeCV().fit(x, y).coef_, X, TARGET)
row("RidgeClassifier", lambda x: RidgeClassifier(solver="svd").fit(x, np_like(x, LABELS)).decision_function(x), X)
row("LinearRegression", lambda x, y: LinearRegression().fit(x, y).coef_, X, TARGET)
row("LogisticRegression", lambda x: LogisticRegression().fit(x, np_like(x, TWO)).coef_, X)
row("PoissonRegressor", lambda x, y: PoissonRegressor().fit(x, y).coef_, X, positive(12))
row(
    "LinearDiscriminantAnalysis",
    lambda x: LinearDiscriminantAnalysis().fit(x, np_like(x, LABELS)).decision_function(x),
    X,
)
row(
    "LinearDiscriminantAnalysis, predict_proba",
    lambda x: LinearDiscriminantAnalysis().fit(x, np_like(x, LABELS)).predict_proba(x),
    X,
)
row("GaussianNB", lambda x: GaussianNB().fit(x, np_like(x, LABELS)).predict_proba(x), X)
row("GaussianNB, joint log likelihood", lambda x: GaussianNB().fit(x, np_like(x, LABELS)).predict_joint_log_proba(x), X)
row("GaussianNB, predict", lambda x: GaussianNB().fit(x, np_like(x, LABELS)).predict(x), X)
row("Nystroem", lambda x: Nystroem(n_components=4, random_state=0).fit_transform(x), X)
row("GaussianMixture", lambda x: GaussianMixture(2, random_state=0, init_params="random_from_data").fit(x).means_, X)
row(
    "CalibratedClassifierCV",
    lambda x: (
        CalibratedClassifierCV(RidgeClassifier(solver="svd"), method="temperature", cv=2)
        .fit(x, np_like(x, TWO))
        .predict_proba(x)
    ),
    X,
)
row(
    "make_pipeline",
    lambda x, y: make_pipeline(preprocessing.MinMaxScaler(), Ridge(solver="svd")).fit(x, y).predict(x),
    X,
    TARGET,
)
row("SVC", lambda x: SVC().fit(x, np_like(x, TWO)).decision_function(x), X)
