"""HTML pages that load nothing from elsewhere: one style, whose colours the charts take, and one set of filters."""

import base64
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from toolkit.results.words import change_points, interval, percent, short_count, short_ms, signed


def render_page(package: str, template: str, **values: Any) -> str:
    """Return the file ``template`` of ``package``, a Jinja template, filled with ``values``; their text is escaped.

    The template finds the style in ``css``. A value that it names and does not get is an error.

    >>> render_page("toolkit.comparison", "page.html", split="test", faces=faces)
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(FILTERS)
    css = (resources.files("toolkit.charts") / "page.css").read_text()
    source = (resources.files(package) / template).read_text()
    return environment.from_string(source).render(css=Markup(css), **values)


def png_uri(image: np.ndarray) -> str:
    """Return a gray image, (H, W) uint8, as a data URI."""
    return data_uri(cv2.imencode(".png", image)[1].tobytes())


def data_uri(png: bytes) -> str:
    """Return the content of a PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _ratio(found: dict[str, float]) -> str:
    if found["ratio"] >= 10:
        return f"{found['ratio']:.0f}×"
    if found["ratio"] < 0.1:
        return f"{found['ratio']:.2g}×"
    return f"{found['ratio']:.2f}× ({found['low']:.2f}–{found['high']:.2f})"


FILTERS = {
    "percent": percent,
    "interval": interval,
    "ms": lambda value: "–" if value is None else short_ms(value),
    "count": short_count,
    "signed": signed,
    "change": change_points,
    "digits": lambda value, digits: (
        "–" if value is None else f"{value:.{digits}g}" if digits < 3 else f"{value:.{digits}f}"
    ),
    "thousands": lambda value: f"{value:,}",
    "basename": lambda path: Path(path).name or path,
    "ratio": _ratio,
}
