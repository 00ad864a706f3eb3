"""scikit-learn's estimators over our networks: ``NetworkClassifier`` and ``NetworkRegressor``.

They need scikit-learn, which importing this room imports; ``import miniflow_xp`` does not.
"""

from miniflow_xp.errors import PackageMissingError

try:
    from miniflow_xp.estimators.classifier import NetworkClassifier
    from miniflow_xp.estimators.regressor import NetworkRegressor
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "sklearn":
        raise
    raise PackageMissingError(
        "miniflow_xp.estimators",
        "scikit-learn is not installed",
        "NetworkClassifier and NetworkRegressor are estimators of it",
        "Run: pip install 'miniflow_xp[sklearn]'",
    ) from None

__all__ = ["NetworkClassifier", "NetworkRegressor"]
