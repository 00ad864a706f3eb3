"""SVG to PNG, by resvg, an optional package."""

from miniflow_xp.errors import PackageMissingError


def png(svg: str) -> bytes:
    """The picture on white; raises PackageMissingError where resvg_py is not installed."""
    try:
        import resvg_py
    except ImportError:
        raise PackageMissingError(
            "figures as PNG",
            "the package resvg-py is not installed",
            "it turns SVG into PNG",
            "Install it: pip install 'miniflow_xp[report]'",
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white", sans_serif_family=sans_serif()))


def sans_serif() -> str:
    """A font that most systems have; resvg takes another one if it is missing."""
    import sys

    return {"win32": "Arial", "darwin": "Helvetica"}.get(sys.platform, "DejaVu Sans")
