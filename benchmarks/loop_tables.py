"""The figures of the frame loop as Markdown; a part that was not measured is left out."""

from collections.abc import Iterator

EARLIER = "before 2026-11-25: without upright faces and with the search and the model of then"


def markdown(document: dict) -> str:
    """Return the figures as tables for the documentation."""
    lines = [
        "# The frame loop, measured",
        "",
        f"By `python benchmarks/device_loop.py` on {document['machine']}, OpenCV {document['opencv']}, one thread; "
        f"model of the last part measured: SHA-256 `{document['model_sha256'][:12]}`.",
        "",
    ]
    for part, tell in (
        ("films", films),
        ("photographs", photographs),
        ("reaction", reaction),
        ("ways", ways),
        ("whole_way", whole_way),
        ("start", start),
        ("age", age),
        ("soak", soak),
    ):
        if part in document:
            lines += [
                f"*Measured {document.get('measured', {}).get(part, EARLIER)}.*",
                "",
                *tell(document[part]),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def films(figures: dict) -> Iterator[str]:
    count = len(next(iter(figures.values()))) - 1
    yield f"{count} films with no other option given, the plain ones and others made of them and of photographs"
    yield "(`benchmarks/clips.py`). Found: full-frame YuNet's faces (score 0.6, 30 pixels and up) by IoU 0.5. False:"
    yield "reported boxes without a face of full-frame YuNet (score 0.5) by IoU 0.3; most of YuNet's are cut by the"
    yield "picture's edge. The loop's thresholds were chosen on these films."
    yield ""
    yield "| film | faces | found, YuNet | false | ids that change | flips, raw | shown | found, Haar | false |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, one in figures["yunet"].items():
        haar = figures["haar"][name]
        yield (
            f"| {name} | {one['truths']} | {share(one, 'hits', 'truths')} | {share(one, 'false', 'reported')} | "
            f"{one['switches']} | {one['flips_raw']} | {one['flips_shown']} | {share(haar, 'hits', 'truths')} | "
            f"{share(haar, 'false', 'reported')} |"
        )
    total = figures["yunet"]["all"]
    yield ""
    yield (
        f"Flips a minute of a face: {total['flips_a_minute_raw']} raw, {total['flips_a_minute_shown']} shown. Boxes in "
        f"the half second after a cut: {total['after_cut']}, {total['after_cut_false']} of them false. Searched as a "
        f"whole: {total['full_frame_detections']} of {total['frames']} frames."
    )
    yield ""


def share(one: dict, part: str, whole: str) -> str:
    return percent(one[part] / one[whole]) if one[whole] else "none"


def photographs(figures: dict) -> Iterator[str]:
    yield "| 37 photographs, faces from 48 pixels | faces | found | false |"
    yield "|---|---|---|---|"
    for name, one in figures.items():
        yield f"| {name} | {one['faces']} | {percent(one['found_share'])} | {percent(one['false_share'])} |"
    yield ""


def reaction(figures: dict) -> Iterator[str]:
    yield (
        f"A lasting change of expression is shown after {figures['median_s']:.2f} s (median of {figures['n']} changes "
        f"of the demo; {figures['max_s']:.2f} s at most)."
    )
    yield ""


def ways(figures: dict) -> Iterator[str]:
    yield "Time, on four 640x480 clips of one person each, decode excluded, all ways interleaved frame by frame. Other"
    yield "programs ran on the machine, so CPU time tells more than wall time. Found and false are counted against"
    yield "full-frame YuNet (IoU 0.5); overhead is what is neither detection nor inference."
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
