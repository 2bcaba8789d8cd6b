"""A cascade's XML, checked before OpenCV sees it: it follows an index that leads out of a list, and crashes."""

import math
from xml.etree import ElementTree

LARGEST_BYTES = 32 << 20  # thirty times OpenCV's own
LARGEST_WINDOW_PX = 1000
NODE = 4  # numbers of a node: next if below the threshold, next if not, feature, threshold


def cascade_fault(content: bytes) -> str:
    """Return what is wrong with the XML of a cascade of Haar features in OpenCV's newer form, '' where nothing is.

    Every node must lead to a later node or a leaf of its tree and ask a feature that is there; every feature must lie
    in the window; every number must be finite.
    """
    try:
        cascade = ElementTree.fromstring(content).find("cascade")
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # no XML; an encoding that is none
        return f"no XML ({error})"
    if cascade is None or cascade.findtext("featureType", "").strip() != "HAAR":
        return "no cascade of Haar features"
    try:
        return _fault(cascade)
    except (ValueError, OverflowError):
        return "a number is missing, or none"


def _fault(cascade: ElementTree.Element) -> str:
    width, height = (int(cascade.findtext(side, "")) for side in ("width", "height"))
    if not (0 < width <= LARGEST_WINDOW_PX and 0 < height <= LARGEST_WINDOW_PX):
        return f"a window of {width}x{height}"
    features = cascade.findall("features/_")
    if not all(_fits(feature, width, height) for feature in features):
        return "a feature that reaches out of the window"
    stages = cascade.findall("stages/_")
    for stage in stages:
        trees = stage.findall("weakClassifiers/_")
        _numbers(stage.findtext("stageThreshold"))
        if not trees or not all(_leads_on(tree, len(features)) for tree in trees):
            return "a node that leads nowhere, or asks a feature that is not there"
    return "" if stages else "no stages"


def _numbers(text: str | None) -> list[float]:
    """Return the numbers of ``text``, all finite and at least one; ValueError otherwise."""
    numbers = [float(word) for word in (text or "").split()]
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _fits(feature: ElementTree.Element, width: int, height: int) -> bool:
    tilted = feature.findtext("tilted", "0").strip() not in ("", "0")
    rectangles = [_numbers(one.text) for one in feature.findall("rects/_")]
    for x, y, w, h, _ in rectangles:
        left, right, bottom = (x - h, x + w, y + w + h) if tilted else (x, x + w, y + h)
        if min(left, y) < 0 or min(w, h) <= 0 or right > width or bottom > height:
            return False
    return 1 <= len(rectangles) <= 3


def _leads_on(tree: ElementTree.Element, features: int) -> bool:
    numbers, leaves = _numbers(tree.findtext("internalNodes")), len(_numbers(tree.findtext("leafValues")))
    nodes = len(numbers) // NODE
    if len(numbers) % NODE or leaves != nodes + 1:
        return False
    for node in range(nodes):
        *onward, feature, _ = map(int, numbers[NODE * node : NODE * (node + 1)])
        if not 0 <= feature < features:
            return False
        if not all(node < to < nodes if to > 0 else -to < leaves for to in onward):
            return False
    return True
