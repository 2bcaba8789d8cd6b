"""The figures of the frame loop as Markdown; a part that was not measured is left out."""

from collections.abc import Iterator


def markdown(document: dict) -> str:
    """Return the figures as tables for the documentation."""
    lines = [
        "# The frame loop, measured",
        "",
        f"By `python benchmarks/device_loop.py` on {document['machine']}, OpenCV {document['opencv']}, one thread; "
        f"model SHA-256 `{document['model_sha256'][:12]}`.",
        "",
    ]
    for part, tell in (
        ("ways", ways),
        ("whole_way", whole_way),
        ("start", start),
        ("age", age),
        ("soak", soak),
    ):
        if part in document:
            lines += tell(document[part])
    return "\n".join(lines).rstrip() + "\n"


def ways(figures: dict) -> Iterator[str]:
    yield "Four 640x480 clips of one person each, decode excluded, all ways interleaved frame by frame. Other programs"
    yield "ran on the machine, so CPU time tells more than wall time. Found and false are counted against full-frame"
    yield "YuNet (IoU 0.5); overhead is what is neither detection nor inference."
    yield ""
    yield "| way | wall p50, ms | wall mean | wall p99 | CPU mean | overhead p50 | found | false | ids a clip |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, one in figures.items():
        wall = one["wall"]
        yield (
            f"| {name} | {wall['p50_ms']:.2f} | {wall['mean_ms']:.2f} | {wall['p99_ms']:.1f} | "
            f"{one['cpu_mean_ms']:.2f} | {one['overhead']['p50_ms']:.3f} | {percent(one['recall_of_full_yunet'])} | "
            f"{percent(one['false_share'])} | {'/'.join(map(str, one['ids_by_clip'].values()))} |"
        )
    yield ""
    yield "| times faster, CPU (wall p50) | than full-frame Haar | than full-frame YuNet |"
    yield "|---|---|---|"
    for name in ("loop with Haar", "loop with YuNet"):
        than = (figures[name][f"times_faster_than_{detector}"] for detector in ("haar", "yunet"))
        yield f"| {name} | " + " | ".join(f"{one['cpu_mean']} ({one['wall_p50']})" for one in than) + " |"
    yield ""


def whole_way(figures: dict) -> Iterator[str]:
    yield f"{figures['n']} PublicTest faces pasted into 640x480 stills, found, cropped and classified; accuracy on the"
    yield f"clean crops {percent(figures['clean_accuracy'])}."
    yield ""
    yield "| detector | size, px | found | accuracy over all | among found | clean crops of those |"
    yield "|---|---|---|---|---|---|"
    for name, one in figures["detectors"].items():
        for side, at in one["sizes_px"].items():
            shown = (at[key] for key in ("found", "over_all", "among_found", "clean_among_found"))
            yield f"| {name} | {side} | " + " | ".join(map(percent, shown)) + " |"
    yield ""
    yield "| detector | drop among found, points | drop over all |"
    yield "|---|---|---|"
    for name, one in figures["detectors"].items():
        yield f"| {name} | {one['drop_among_found_points']:.1f} | {one['drop_over_all_points']:.1f} |"
    yield ""


def start(figures: dict) -> Iterator[str]:
    for name, one in figures.items():
        first = one["start_to_first_row_s"]
        yield (
            f"- Start to first row, {name}: {first['median']:.2f} s median, {first['min']:.2f} s at best; "
            f"peak RSS {one['peak_rss_mb']:.0f} MB."
        )


def age(figures: dict) -> Iterator[str]:
    yield (
        f"- Age of a live result: p50 {figures['age']['p50_ms']:.1f} ms, p90 {figures['age']['p90_ms']:.1f}, p99 "
        f"{figures['age']['p99_ms']:.1f} at an interval of {figures['interval_ms']} ms."
    )


def soak(figures: dict) -> Iterator[str]:
    yield (
        f"- {figures['frames']:,} demo frames: RSS {figures['rss_after_a_tenth_mb']:.1f} MB after a tenth, "
        f"{figures['rss_at_the_end_mb']:.1f} MB at the end."
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
