"""The precision of float32 products on a GPU: true float32, or TF32 where the user asks for it."""

import os

from miniflow_xp.errors import SettingError

NAME = "MINIFLOW_PRECISION"
CHOICES = ("fp32", "tf32")


def tf32_wanted() -> bool:
    """Does MINIFLOW_PRECISION ask for TF32: 10 bits of mantissa in float32 products, several times as fast?

    Read when a step is captured. Unset or ``fp32`` is true float32. Raises SettingError for anything else.
    """
    text = os.environ.get(NAME, "fp32")
    choice = text.strip().lower()
    if choice not in CHOICES:
        raise SettingError(
            NAME,
            f"it is {text!r}",
            "it is fp32 or tf32",
            "Unset it for fp32, or write tf32 for quicker, coarser products",
        )
    return choice == "tf32"
