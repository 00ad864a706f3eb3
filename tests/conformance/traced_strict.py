"""The namespace that the official suite is given: that of traced arrays over array-api-strict."""

import sys

import array_api_strict as library

from miniflow_xp import differentiable_namespace

sys.modules[__name__] = differentiable_namespace(library)
