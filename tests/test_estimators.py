"""scikit-learn's own checks of NetworkClassifier and NetworkRegressor, and what those do not see."""

import copy
import pickle
import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import errors, switch

sklearn = pytest.importorskip("sklearn", reason="they are estimators of scikit-learn")

from sklearn.base import clone  # noqa: E402  after the check that it is there
from sklearn.datasets import load_diabetes, load_digits  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from miniflow_xp.estimators import NetworkClassifier, NetworkRegressor  # noqa: E402

BOTH = pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
DIGITS = tuple(part[:400] for part in load_digits(return_X_y=True))
DIABETES = load_diabetes(return_X_y=True)


def few(kind, **chosen):
    """An estimator of three epochs, and rows for it."""
    X, y = DIGITS if kind is NetworkClassifier else DIABETES
    return kind(**{"max_iter": 3, "random_state": 0, **chosen}), X, y


# -- scikit-learn's checks


@BOTH
def test_every_check_of_scikit_learn_passes(kind):
    pytest.importorskip("pandas", reason="without it scikit-learn leaves two of its checks out: pip install pandas")
    found = check_estimator(kind(), on_skip=None)
    assert {check["status"] for check in found} <= {"passed", "skipped"}
    skipped = {check["check_name"] for check in found if check["status"] == "skipped"}
    assert {name for name in skipped if "array_api" not in name} == set()  # those run in a process of their own, below
    assert len(found) - len(skipped) > 50


ARRAY_API = """
import sys
from sklearn.utils import estimator_checks as checks
from miniflow_xp.estimators import NetworkClassifier, NetworkRegressor

places = {
    "strict": [("array_api_strict", "CPU_DEVICE", "float64"), ("array_api_strict", "device1", "float32")],
    "torch": [("torch", "cpu", "float64"), ("torch", "cpu", "float32")],
}
# the classifier learns these few rows whole: scikit-learn's accuracy of PyTorch's arrays has but float32's digits
for estimator in NetworkClassifier(max_iter=8, learning_rate_init=0.05), NetworkRegressor(max_iter=2):
    name = type(estimator).__name__
    for library in sys.argv[1:]:
        for place, weighed in zip(places[library], (False, True)):
            checks.check_array_api_input(name, estimator, *place, True, weighed)
        if hasattr(checks, "check_array_api_same_namespace"):  # scikit-learn 1.9 brought these
            checks.check_array_api_same_namespace(name, estimator, *places[library][0][:2])
            here = checks.NamespaceAndDevice(*places[library][0][:2])
            numpy = checks.NamespaceAndDevice("numpy", None)
            for X, others in ((here, numpy), (numpy, here)):
                checks.check_array_api_mixed_inputs(name, estimator, X, others)
print("checked", *sys.argv[1:])
"""


def test_arrays_of_other_libraries_pass_scikit_learns_checks_of_places_and_values(run_python):
    libraries = ["strict", *(["torch"] if find_spec("torch") else [])]
    done = run_python(ARRAY_API, *libraries, SCIPY_ARRAY_API="1")
    assert done.stdout.split() == ["checked", *libraries]


# -- what it learns


def test_the_defaults_learn_digits_and_diabetes():
    X, y = load_digits(return_X_y=True)
    classifier = NetworkClassifier(random_state=0).fit(X[:1400], y[:1400])
    assert classifier.score(X[1400:], y[1400:]) > 0.92
    X, y = DIABETES
    regressor = NetworkRegressor(random_state=0).fit(X[:340], y[:340])
    assert regressor.score(X[340:], y[340:]) > LinearRegression().fit(X[:340], y[:340]).score(X[340:], y[340:]) - 0.05


def test_several_outputs_are_each_in_their_own_units():
    X, y = DIABETES
    Y = np.stack([y, 1e6 * X[:, 2] + 7], axis=1)
    predicted = NetworkRegressor(random_state=0, alpha=0.0).fit(X, Y).predict(X)
    assert predicted.shape == Y.shape
    assert sklearn.metrics.r2_score(Y, predicted, multioutput="raw_values").min() > 0.5


def test_a_constant_target_is_predicted_exactly():
    X, y = DIABETES
    predicted = NetworkRegressor(max_iter=1).fit(X, np.stack([y, np.full(len(y), 3.25)], axis=1)).predict(X)
    assert (predicted[:, 1] == 3.25).all()


def test_without_hidden_layers_it_is_a_linear_model():
    X, y = DIABETES
    model = NetworkRegressor((), alpha=0.0, max_iter=200, random_state=0, tol=0).fit(X, y)
    assert model.score(X, y) == pytest.approx(LinearRegression().fit(X, y).score(X, y), abs=0.01)
    assert [w.shape for w in model.coefs_] == [(10, 1)]


def test_names_of_classes_come_back_as_they_were():
    _, X, y = few(NetworkClassifier)
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], dtype=object)[y]
    model = NetworkClassifier(random_state=0).fit(X, names)
    assert (model.predict(X) == names).mean() > 0.9
    assert list(model.classes_) == sorted(set(names))


# -- weights


def test_a_row_of_weight_0_is_as_if_it_were_not_there():
    for kind in NetworkClassifier, NetworkRegressor:
        model, X, y = few(kind)
        weights = np.ones(len(X))
        weights[::3] = 0
        kept = weights > 0
        weighed, without = clone(model).fit(X, y, weights), clone(model).fit(X[kept], y[kept])
        np.testing.assert_allclose(weighed.coefs_[0], without.coefs_[0], rtol=1e-9, atol=1e-12)


def test_a_batch_of_light_rows_moves_the_network_less_than_one_of_heavy_rows():
    """Else a few rows that weigh nearly nothing, alone in their batch, would count like the others."""
    X = np.linspace(-1, 1, 64)[:, None]
    y, weights = np.repeat([0, 1], 32), np.repeat([1.0, 1e-6], 32)
    model = NetworkClassifier(batch_size=32, shuffle=False, optimizer="sgd", random_state=0).fit(X, y, weights)
    assert (model.predict(X) == 0).all()


def test_weights_count_relative_to_each_other():
    model, X, y = few(NetworkRegressor)
    weights = np.linspace(0.5, 2, len(X))
    one, other = clone(model).fit(X, y, weights), clone(model).fit(X, y, 1000 * weights)
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9)


def test_balanced_classes_are_found_though_they_are_rare():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 2))
    y = (X[:, 0] > 1.2) & (rng.random(1000) < 0.7)
    plain, balanced = (NetworkClassifier(random_state=0, class_weight=w).fit(X, y) for w in (None, "balanced"))
    assert balanced.predict(X).sum() > plain.predict(X).sum()


# -- going on


def test_partial_fit_is_fit_epoch_by_epoch_of_the_same_optimizer():
    for kind in NetworkClassifier, NetworkRegressor:
        model, X, y = few(kind)
        whole, parts = clone(model).fit(X, y), clone(model)
        named = {"classes": np.unique(y)} if kind is NetworkClassifier else {}
        for _ in range(3):
            parts.partial_fit(X, y, **named)
        np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
        assert (parts.n_iter_, len(parts.loss_curve_)) == (3, 3)


def test_partial_fit_standardises_by_all_rows_so_far_though_the_first_batch_is_one_row():
    model, X, y = few(NetworkRegressor)
    model.partial_fit(X[:1], y[:1]).partial_fit(X[1:], y[1:], sample_weight=np.ones(len(X) - 1))
    found = model._network.moments
    np.testing.assert_allclose(found.mean, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.deviation, X.std(axis=0), rtol=1e-9)


def test_a_warm_start_goes_on_with_the_parameters():
    model, X, y = few(NetworkClassifier, warm_start=True, max_iter=1)
    first = model.fit(X, y).loss_
    assert model.fit(X, y).loss_ < first
    assert (model.n_iter_, len(model.loss_curve_)) == (1, 2)
    with pytest.raises(errors.SettingError, match="same network"):
        model.set_params(hidden_layer_sizes=(7,)).fit(X, y)


def test_early_stopping_keeps_the_best_network():
    for kind in NetworkClassifier, NetworkRegressor:
        model, X, y = few(kind, max_iter=40, early_stopping=True, n_iter_no_change=3, validation_fraction=0.25)
        model.fit(X, y)
        scores = model.validation_scores_
        assert model.n_iter_ == len(scores) < 40
        assert max(scores) == model.best_validation_score_ > scores[-1] - 1e-12
        assert model.best_loss_ is None


# -- in company


@BOTH
@pytest.mark.parametrize("how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_predicts_the_same_and_trains_on_alike(kind, how):
    model, X, y = few(kind)
    model.fit(X, y)
    other = how(model)
    assert (other.predict(X) == model.predict(X)).all()
    for each in model, other:
        each.partial_fit(X, y)
    assert (other.predict(X) == model.predict(X)).all()


def test_a_search_over_a_pipeline_in_two_processes():
    model, X, y = few(NetworkClassifier)
    grid = {"networkclassifier__hidden_layer_sizes": [(2,), (32,)]}
    search = GridSearchCV(make_pipeline(StandardScaler(), model), grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_["networkclassifier__hidden_layer_sizes"] == (32,)


def test_tables_of_pandas_give_names_of_features():
    pandas = pytest.importorskip("pandas")
    model, X, y = few(NetworkRegressor)
    frame = pandas.DataFrame(X, columns=[f"c{n}" for n in range(10)])
    assert list(model.fit(frame, y).feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"c0": "other"}))


@BOTH
def test_the_backend_in_use_stays_what_it_was(kind):
    model, X, y = few(kind, backend="strict", max_iter=1)
    before = mf.get_backend()
    found = model.fit(X[:40], y[:40]).predict(X[:3])
    assert mf.get_backend() is before
    assert isinstance(found, np.ndarray)
    with mf.use_backend("strict"):
        other = few(kind, max_iter=1)[0].fit(X[:40], y[:40])
    np.testing.assert_allclose(other.predict(X[:3]), found)  # outside of the block, still on its own backend
    assert other._network.choice.startswith("strict")


def test_a_backend_in_use_that_no_name_finds_computes():
    from miniflow_xp.backends.strict import StrictBackend

    own = type("Own", (StrictBackend,), {"name": "own"})()
    model, X, y = few(NetworkRegressor, max_iter=1)
    with mf.use_backend(own):
        model.fit(X[:20], y[:20])
        assert own.owns(model.network_[0].own["biases"].value)
        assert model.predict(X[:2]).shape == (2,)
    with pytest.raises(errors.UnknownBackendError, match="own"):
        model.predict(X[:2])


def test_the_usual_backend_is_not_settled_by_an_estimator():
    model, X, y = few(NetworkRegressor, backend="strict", max_iter=1)
    model.fit(X[:20], y[:20]).predict(X[:2])
    assert switch._process is None


def test_cross_validation_of_float32_rows_computes_in_float32():
    model, X, y = few(NetworkRegressor)
    model.fit(X.astype("float32"), y)
    assert {w.dtype.name for w in model.coefs_} == {model.predict(X.astype("float32")).dtype.name} == {"float32"}
    assert len(cross_val_score(model, X.astype("float32"), y, cv=2)) == 2


def test_parts_of_any_length_are_predicted_by_few_captures():
    model, X, y = few(NetworkRegressor)
    model.fit(X, y)
    whole = model.predict(np.tile(X, (5, 1)))
    with warnings.catch_warnings(action="error"):  # one says that shapes keep changing
        for length in range(1, 40, 3):
            np.testing.assert_allclose(model.predict(X[:length]), whole[:length], rtol=1e-10)
    np.testing.assert_allclose(whole[-442:], whole[:442], rtol=1e-10)


# -- errors

X4 = np.eye(4)
WRONG = {
    "hidden_layer_sizes": [0, (3, -1), "many", None],
    "activation": ["relu6", 3],
    "optimizer": ["lbfgs", None],
    "learning_rate_init": [0, "fast"],
    "alpha": [-1, "auto"],
    "batch_size": [0, "auto"],
    "max_iter": [0, 2.5],
    "tol": [-1, None],
    "n_iter_no_change": [0],
    "early_stopping": ["yes"],
    "standardise": ["yes"],
    "dtype": ["int32", 7],
}


@pytest.mark.parametrize(("argument", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_argument_is_named(argument, value):
    with pytest.raises(errors.MiniflowError, match=argument):
        NetworkRegressor(**{argument: value}).fit(X4, X4[0])


def sparse(X):
    from scipy.sparse import csr_array

    return csr_array(X)


CALLS = {
    "sparse rows": (lambda: NetworkRegressor().fit(sparse(X4), X4[0]), errors.FeedError, "toarray"),
    "sparse rows of partial_fit": (
        lambda: NetworkRegressor().partial_fit(sparse(X4), X4[0]),
        errors.FeedError,
        "toarray",
    ),
    "a negative weight": (lambda: NetworkRegressor().fit(X4, X4[0], [1, -1, 1, 1]), errors.SettingError, "weight"),
    "no weight": (lambda: NetworkRegressor().fit(X4, X4[0], 0), errors.SettingError, "all weights are zero"),
    "no class with a weight": (
        lambda: NetworkClassifier(class_weight={0: 0, 1: 0}).fit(X4, [0, 1, 0, 1]),
        errors.SettingError,
        "all weights are zero",
    ),
    "a decay that adam has not": (
        lambda: NetworkRegressor(optimizer="adam", alpha=0.1).fit(X4, X4[0]),
        errors.SettingError,
        "adamw",
    ),
    "a rate beside an optimizer": (
        lambda: NetworkRegressor(optimizer=mf.SGD(), learning_rate_init=0.1).fit(X4, X4[0]),
        errors.SettingError,
        "learning_rate_init",
    ),
    "early stopping of a part": (
        lambda: NetworkRegressor(early_stopping=True).partial_fit(X4, X4[0]),
        errors.SettingError,
        "early_stopping",
    ),
    "balance of a part": (
        lambda: NetworkClassifier(class_weight="balanced").partial_fit(X4, [0, 1, 0, 1], classes=[0, 1]),
        errors.SettingError,
        "balanced",
    ),
    "no classes at first": (lambda: NetworkClassifier().partial_fit(X4, [0, 1, 0, 1]), errors.SettingError, "classes"),
    "a class that is new": (
        lambda: NetworkClassifier().partial_fit(X4, [0, 1, 0, 2], classes=[0, 1]),
        errors.LabelError,
        "it holds 2",
    ),
    "other classes": (
        lambda: (
            NetworkClassifier()
            .partial_fit(X4, [0, 1, 0, 1], classes=[0, 1])
            .partial_fit(X4, [0, 1, 0, 1], classes=[0, 1, 2])
        ),
        errors.LabelError,
        "classes",
    ),
    "numbers whose squares overflow": (
        lambda: NetworkRegressor().fit(1e200 * X4, X4[0]),
        errors.FeedError,
        "column 0",
    ),
    "a rate that diverges": (
        lambda: NetworkRegressor(optimizer="sgd", learning_rate_init=1e9, max_iter=50, tol=0).fit(X4, X4[0]),
        errors.DivergedError,
        "learning rate",
    ),
    "an unknown backend": (
        lambda: NetworkRegressor(backend="nunpy").fit(X4, X4[0]),
        errors.UnknownBackendError,
        "numpy",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_says_what_to_do(name):
    call, kind, words = CALLS[name]
    with pytest.raises(kind, match=words):
        call()


def test_a_fit_that_fails_leaves_what_was_there():
    model, X, y = few(NetworkRegressor)
    before = model.fit(X, y).predict(X)
    with pytest.raises(errors.DivergedError):
        model.set_params(optimizer="sgd", learning_rate_init=1e9, max_iter=50).fit(X, y)
    assert (model.predict(X) == before).all()


def test_a_part_that_is_refused_does_not_spoil_what_was_learned():
    model, X, y = few(NetworkRegressor)
    before = model.fit(X, y).predict(X)
    with pytest.raises(errors.FeedError):
        model.partial_fit(1e200 * X, y)
    assert (model.predict(X) == before).all()


def test_without_scikit_learn_the_error_says_what_to_install():
    program = """
import sys
sys.modules["sklearn"] = None
import miniflow_xp as mf
from miniflow_xp import *
try:
    mf.NetworkClassifier
except mf.MiniflowError as error:
    print(type(error).__name__, error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "PackageMissingError Run: pip install 'miniflow_xp[sklearn]'\n"


def test_importing_the_package_leaves_scikit_learn_alone(run_python):
    run_python("import miniflow_xp, sys; assert not {'sklearn', 'scipy', 'pyarrow'} & set(sys.modules)")


def test_it_is_known_at_the_top():
    assert mf.NetworkClassifier is NetworkClassifier
    assert switch.get_backend().name == "numpy"
