"""Figures as inline SVG that take their colours from the page, so that one drawing serves light, dark and print."""

import html
import io
import re
import warnings
from contextlib import AbstractContextManager
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from device.text import printable
from toolkit.results.words import short_text

# Matplotlib draws with these stand-ins; in the SVG each becomes a CSS variable of the page.
INK, MUTED, LINE, PAPER, ON_FILL = "#010101", "#020202", "#030303", "#040404", "#050505"
FLOAT, QUANTIZED, KERAS, LOSS, GAIN = "#060606", "#070707", "#080808", "#090909", "#0a0a0a"
VARIABLES = {
    INK: "--ink", MUTED: "--muted", LINE: "--line", PAPER: "--paper", ON_FILL: "--on-fill",
    FLOAT: "--float", QUANTIZED: "--quantized", KERAS: "--keras", LOSS: "--loss", GAIN: "--gain",
}  # fmt: skip
LONGEST_LABEL = 32  # characters
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.size": 10, "axes.edgecolor": LINE, "axes.labelcolor": MUTED,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.titlecolor": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "text.color": INK, "grid.color": LINE, "grid.linewidth": 0.6, "axes.grid": False, "axes.axisbelow": True,
    "lines.solid_capstyle": "round", "text.parse_math": False, "legend.frameon": False, "axes.unicode_minus": True,
}  # fmt: skip


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure without background; draw it inside ``drawing``."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    figure.patch.set_alpha(0)
    return figure


def drawing() -> AbstractContextManager[None]:
    """Return the context in which every chart is drawn."""
    return rc_context(STYLE)


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return ``figure`` as an SVG element with a text alternative; ``name`` keeps its ids apart from others'."""
    target = io.StringIO()
    with rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the measuring font lacks; the page has its own
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    # Only inside of tags: a label may look like any of this.
    text = re.sub(r"<[^>]+>", lambda tag: _page_style(tag[0], name), text)
    text = re.sub(r">\s+<", "><", text)
    view_box = re.search(r'viewBox="([^"]+)"', text)
    body = text[text.index(">") + 1 :]
    opening = (
        f'<svg class="chart" role="img" aria-labelledby="{name}-t {name}-d" '
        f'viewBox="{view_box[1] if view_box else ""}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    alternative = f'<title id="{name}-t">{html.escape(title)}</title>'
    alternative += f'<desc id="{name}-d">{html.escape(printable(description))}</desc>'
    return opening + alternative + body


def _page_style(tag: str, name: str) -> str:
    """Return an SVG tag with the page's colours and font, and its ids apart from other charts'."""
    for stand_in, variable in VARIABLES.items():
        tag = tag.replace(stand_in, f"var({variable})")
    tag = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", tag)
    return re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", tag)


def label(text: str) -> str:
    """Return a name short enough for a chart; one that starts with '_' would be left out of a legend."""
    shown = printable(text)
    return short_text(f"\N{WORD JOINER}{shown}" if shown.startswith("_") else shown, LONGEST_LABEL)
