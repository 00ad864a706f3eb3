"""What a notebook shows of a thing: the text that ``print`` shows."""

from html import escape


class ShownAsText:
    """Something whose ``str`` is laid out in lines of one letter width."""

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"
