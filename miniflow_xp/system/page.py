"""The frame of every HTML page that this package writes: one file that asks the network for nothing."""

from miniflow_xp.system.svg import beside, colours, text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page(title: str, styles: str, body: str, script: str) -> str:
    """A page of a title, which is escaped, its own style sheets, what is in its body, and a script."""
    common = colours() + beside(__package__, "page.css")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{common}{styles}</style></head><body>{body}<script>{script}</script></body></html>\n"
    )
