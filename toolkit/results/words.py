"""Figures and names as the terminal, the page and the documents write them."""

from device.text import printable
from toolkit.results.robustness import Robustness
from toolkit.results.whole_way import ALL_FACES, Share, WholeWay


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio as '66.3 %', or a dash where it is not defined."""
    return "–" if ratio is None else f"{100 * ratio:.{digits}f} %"


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of ratios as '64.7–67.8 %', or a dash."""
    return "–" if bounds is None else f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f} %"


def short_ms(value: float) -> str:
    """Return milliseconds with three digits that count: '0.083', '4.13', '520'."""
    return (
        f"{value:.3f}"
        if value < 1
        else f"{value:.2f}"
        if value < 10
        else f"{value:.1f}"
        if value < 100
        else f"{value:.0f}"
    )


def short_count(number: int | None) -> str:
    """Return a count as '184k' or '59.2M', or a dash."""
    if number is None:
        return "–"
    if number >= 1e6:
        return f"{number / 1e6:.1f}M"
    return f"{number / 1e3:.0f}k" if number >= 1e4 else str(number)


def short_text(text: str, longest: int = 60) -> str:
    """Return ``text`` in at most ``longest`` characters, an ellipsis in its middle where it is longer."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def signed(value: float | None, digits: int = 2) -> str:
    """Return a number with its sign, zero without one, or a dash."""
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def change_points(drop: float, drop_interval: tuple[float, float]) -> str:
    """Return a drop in points, positive for a loss, as the change that it is: '−0.17 (−0.55 to +0.21)'."""
    low, high = drop_interval
    return f"{signed(-drop)} ({signed(-high)} to {signed(-low)})"


def robustness_rows(robustness: Robustness) -> list[list[str]]:
    """Return a row for each corruption: its name, then strength and accuracy from weak to strong."""
    return [
        [name, *(f"{found.strength}: {percent(found.accuracy)}" for found in conditions)]
        for name, conditions in robustness.by_corruption().items()
    ]


def kept_words(robustness: Robustness) -> str:
    """Return how much of the clean accuracy is kept on average, in a sentence."""
    return (
        f"Corrupted faces keep {percent(robustness.mean_kept)} of the clean {percent(robustness.clean_accuracy)} on "
        f"average (95 %: {interval(robustness.mean_kept_interval)})."
    )


def whole_way_words(measured: WholeWay) -> str:
    """Return in a line what was searched how, and the false detections."""
    false = measured.false_n
    rate = "unknown without boxes" if false is None else f"{false / measured.pictures_n:.2f} ({false} in all)"
    clips = "; frames of a clip are alike, so the intervals are too narrow" if measured.clips_n else ""
    return (
        f"{measured.pictures_n} pictures, detector {printable(measured.detector)}, faces of {measured.min_face_px} px "
        f"and more; false detections a picture: {rate}{clips}"
    )


def whole_way_rows(measured: WholeWay) -> list[list[str]]:
    """Return a row a group with faces: its name, its faces, and found, right among found, right over all."""
    return [
        [
            group.group if group.group == ALL_FACES else f"{group.condition}: {group.group}",
            str(group.n),
            *map(_share, (group.found, group.right_among_found, group.right_over_all)),
        ]
        for group in measured.groups
        if group.n
    ]


def _share(share: Share | None) -> str:
    """Return '89.2 % of 37 (75.3–95.7 %)', or a dash."""
    return f"{percent(share.ratio)} of {share.n} ({interval(share.interval)})" if share else "–"
