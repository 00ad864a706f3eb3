"""What both estimators do: take rows as scikit-learn's users give them, train, and answer in the rows' own library."""

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.data.moments import Moments, merged, moments
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.data.split import LIMIT
from miniflow_xp.errors import FeedError, SettingError
from miniflow_xp.estimators.checking import check_place, check_some, refuse_sparse
from miniflow_xp.estimators.network import Form, Network
from miniflow_xp.estimators.options import Options, optimizer_of
from miniflow_xp.estimators.places import computing, like, native, nothing_like, on_host
from miniflow_xp.estimators.rows import Rows, scaler
from miniflow_xp.estimators.watching import Watching
from miniflow_xp.feed import float_setting, use_float_dtype
from miniflow_xp.switch import get_backend, load, use_backend
from miniflow_xp.training.batches import take
from miniflow_xp.training.evaluation import Metric
from miniflow_xp.training.usual import BATCH_SIZE, EPOCHS, HIDDEN, OPTIMIZER


class NetworkEstimator(BaseEstimator):
    """The arguments and the training that classifier and regressor share; made for these two."""

    task: ClassVar[str]
    n_iter_: int
    loss_curve_: list[float]

    def __init__(
        self,
        hidden_layer_sizes: Any = (HIDDEN,),
        activation: Any = "relu",
        *,
        optimizer: Any = OPTIMIZER,
        learning_rate_init: Any = None,
        alpha: Any = None,
        batch_size: Any = BATCH_SIZE,
        max_iter: Any = EPOCHS,
        tol: Any = 1e-4,
        n_iter_no_change: Any = 10,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        shuffle: Any = True,
        standardise: Any = True,
        random_state: Any = None,
        warm_start: Any = False,
        verbose: Any = False,
        backend: Any = None,
        dtype: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.standardise = standardise
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.backend = backend
        self.dtype = dtype

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

    @property
    def coefs_(self) -> list[Array]:
        """Weights (inputs, outputs) of each layer, in the library of the rows of ``fit``; of standardised rows."""
        return self._parameters("weights")

    @property
    def intercepts_(self) -> list[Array]:
        """Biases (outputs,) of each layer, likewise."""
        return self._parameters("biases")

    def _parameters(self, name: str) -> list[Array]:
        if not hasattr(self, "network_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        return [like(layer.own[name].value, self._network.like) for layer in self.network_]

    # -- training

    def _begins(self, goes_on: bool) -> bool:
        """Is a new network made?"""
        return not (hasattr(self, "network_") and (goes_on or self.warm_start))

    def _checked(self, method: str, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        """X in its own library, and y on the host."""
        where = self._said(method)
        refuse_sparse(where, X)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=self.task == "regression", reset=reset)
        if not reset:
            check_place(where, X, self._network.like)
        return X, on_host(y)

    def _said(self, method: str) -> str:
        """A method, for errors."""
        return f"{type(self).__name__}.{method}()"

    def _learn(
        self, X: Array, y: Array, weights: Array | None, outputs: int, asked: Options, begins: bool, goes_on: bool
    ) -> None:
        """Train on rows; ``begins``: with a new network; ``goes_on``: as the optimizer stands, for one epoch."""
        if goes_on and asked.fraction is not None:
            raise SettingError(
                f"{type(self).__name__}, early_stopping",
                "partial_fit was called",
                "who calls it epoch by epoch decides when to stop",
                "Set early_stopping=False",
            )
        network = self._begun(X, outputs, asked) if begins else self._unchanged(X, outputs, asked)
        backend = self._backend(network)
        with use_backend(backend), use_float_dtype(network.form.dtype), network.unless_it_fails():
            own = native(X, backend)
            kept, held = self._split(network, y, weights, None if goes_on else asked.fraction)
            parts = [kept] if held is None else [kept, held]
            if weights is not None and not goes_on:
                weights = weights / weights[kept].mean()
            rows, *watched = self._rows(network, own, y, weights, parts, asked.standardise, backend)
            if begins or not goes_on:
                network.begin(optimizer_of(self, self.task, len(rows)))
            watching = Watching(network, asked.tol, asked.patience, asked.verbose)
            history = network.train(
                rows,
                1 if goes_on else asked.epochs,
                asked.batch_size,
                asked.shuffle,
                (watched[0], self._metric(watched[0].others[1:])) if watched else None,
                [watching],
            )
            watching.end()
        if history.ended == "interrupted":
            warnings.warn(f"{type(self).__name__}: training was interrupted, and is not complete", stacklevel=4)
        self._tell(network, watching, begins, goes_on)

    def _begun(self, X: Array, outputs: int, asked: Options) -> Network:
        """A new network for rows like X."""
        backend = computing(self.backend, X)
        choice = f"{backend.name}:{backend.device}" if self.backend is None else self.backend
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return Network(self._form(X, outputs, asked), seed, choice, nothing_like(X))

    def _backend(self, network: Network) -> Backend:
        """What computes: the backend in use, with its options, where it is the network's; else that one by its name."""
        if self.backend is None:
            current = get_backend()
            if network.choice == f"{current.name}:{current.device}":
                return current
        return load(network.choice)

    def _unchanged(self, X: Array, outputs: int, asked: Options) -> Network:
        """The network as it is; raises SettingError where another one was asked for."""
        form = self._network.form
        if self._form(X, outputs, asked)._replace(dtype=form.dtype) != form:
            raise SettingError(
                f"{type(self).__name__}, hidden_layer_sizes and activation",
                "they changed since the network was made, or the number of outputs did",
                "warm_start and partial_fit go on with the same network",
                "Set them back, or call fit with warm_start=False",
            )
        return self._network

    def _form(self, X: Array, outputs: int, asked: Options) -> Form:
        narrow = dtypes.name_of(X) in ("float16", "bfloat16", "float32")
        dtype = asked.dtype or float_setting() or ("float32" if narrow else "float64")
        return Form(int(X.shape[1]), asked.hidden, outputs, asked.activation, self.task == "classification", dtype)

    def _rows(
        self,
        network: Network,
        X: Array,
        y: Array,
        weights: Array | None,
        parts: list[Array],
        standardise: bool,
        backend: Backend,
    ) -> list[Rows]:
        """The Rows with these numbers, standardised by the first ones and by all that the network has seen before."""
        first, own = parts[0], [X if len(part) == len(y) else take(X, part) for part in parts]
        if standardise:
            counts = None if weights is None else weights[first]
            network.moments = seen(network.moments, moments(own[0], counts))
            if self.task == "regression":
                network.target_moments = seen(network.target_moments, moments(y[first], counts))
        scaled = scaler(features_of(type(self).__name__, network), X, network.form.dtype, backend)
        fed = [self._fed(network, y)]
        if weights is not None:
            fed.append(weights.astype(network.host_dtype))
        return [Rows(X, scaled, *(f[part] for f in fed)) for X, part in zip(own, parts, strict=True)]

    def _split(
        self, network: Network, y: Array, weights: Array | None, fraction: float | None
    ) -> tuple[Array, Array | None]:
        """Numbers of the rows to train on, of those that count, and of the rows held out."""
        rows = np.arange(len(y)) if weights is None else np.flatnonzero(weights)
        check_some(type(self).__name__, rows)
        if fraction is None:
            return rows, None
        stratify = y[rows] if self.task == "classification" else None
        kept, held = train_test_split(rows, test_size=fraction, random_state=network.seed, stratify=stratify)
        if len(held) < 2:
            raise SettingError(
                f"{type(self).__name__}, validation_fraction",
                f"of {len(rows)} rows it holds out {len(held)}",
                "early stopping watches at least 2",
                "Raise it, or give more rows",
            )
        return np.sort(kept), np.sort(held)

    def _fed(self, network: Network, y: Array) -> Array:
        """What the target's Input is fed for y."""
        raise NotImplementedError

    def _metric(self, weights: Sequence[Array]) -> Metric:
        """The score of predictions and fed targets whose ``weights`` are these, or none."""
        raise NotImplementedError

    def _tell(self, network: Network, watching: Watching, begins: bool, goes_on: bool) -> None:
        """The attributes that tell how training went."""
        self._network, self.network_ = network, network.model
        self.n_iter_ = len(watching.costs) + (self.n_iter_ if goes_on and not begins else 0)
        self.loss_curve_ = [*([] if begins else self.loss_curve_), *watching.costs]
        self.loss_ = watching.costs[-1]
        self.best_loss_ = None if watching.scores else min(self.loss_curve_)
        self.validation_scores_ = watching.scores or None
        self.best_validation_score_ = watching.best_score if watching.scores else None
        self.n_layers_ = len(network.form.hidden) + 2
        self.n_outputs_ = network.form.outputs
        self.out_activation_ = "softmax" if network.form.classifies else "identity"

    # -- prediction

    def _outputs(self, method: str, X: Any) -> Array:
        """What the network gives for rows, in their library."""
        check_is_fitted(self, "network_")
        refuse_sparse(self._said(method), X)
        X = validate_data(self, X, reset=False)
        network = self._network
        check_place(self._said(method), X, network.like)
        backend = self._backend(network)
        with use_backend(backend), use_float_dtype(network.form.dtype):
            rows = native(X, backend)
            scaled = scaler(features_of(type(self).__name__, network), rows, network.form.dtype, backend)
            return like(network.outputs(Rows(rows, scaled), backend), X)


def seen(before: Moments | None, now: Moments) -> Moments:
    """The moments of all rows so far."""
    return now if before is None else merged(before, now)


def features_of(name: str, network: Network) -> Scaling | None:
    """How rows are standardised, None where they are not; raises FeedError for numbers that float64 cannot square."""
    if network.moments is None:
        return None
    remedy = "Use another unit, or standardise=False"
    return Scaling.of(network.moments, LIMIT, FeedError, lambda n: f"{name}, column {n} of X", remedy)
