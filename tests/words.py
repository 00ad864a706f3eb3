"""Texts of a layout, for comparing."""


def words(text):
    """Without line ends and the spaces of the layout."""
    return " ".join(text.split())
