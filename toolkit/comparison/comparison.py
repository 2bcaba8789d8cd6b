"""The one call behind ``toolkit compare``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.errors import EdgeError, UsageError
from device.files import locked
from toolkit.comparison.measure import faces_to_judge, measure_all
from toolkit.comparison.page import write_page
from toolkit.comparison.runs import planned, refuse_others, train_all
from toolkit.comparison.variants import Variant, recipe_of
from toolkit.data.readers.loading import refuse_no_data
from toolkit.emulation.boards import board_named
from toolkit.outputs import refuse_folder
from toolkit.training.architectures.own_files import refuse_absent


@dataclass(frozen=True)
class ComparisonRequest:
    """What to compare, on what, and where; ``common`` are recipe keys of all variants.

    ``targets``: boards whose time is estimated; ``quantize``: whether int8 files are made at all.
    """

    data: Path
    out: Path
    variants: Sequence[Variant]
    seeds: int = 1
    common: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    targets: tuple[str, ...] = ()
    quantize: bool = True


def compare(request: ComparisonRequest) -> dict[str, Any]:
    """Train, measure and write OUT/index.html; return what OUT/compare.json holds.

    A training that fails is a row of the page. Before the first one: UsageError for options that no training can have,
    EdgeError where OUT holds a comparison of other data or options, or where the data has nothing to measure on; after
    the last, EdgeError where all failed.

    >>> variants = make_variants(["compact", "my_net.py"], [], None)
    >>> compare(ComparisonRequest(Path("faces"), Path("runs/compare"), variants))
    """
    if request.targets and not request.quantize:
        raise UsageError("`target` estimates int8 files, and `no_int8` makes none; leave out one of them")
    for target in request.targets:
        board_named(target)
    for name in request.common:
        if all(name in variant.options for variant in request.variants):
            raise UsageError(f"every variant says its own {name}, so `{name}` does nothing; leave it out")
    refuse_folder(request.out)
    refuse_no_data(request.data)
    common = dict(request.common)
    if request.classes:
        common["classes"] = list(request.classes)
    for variant in request.variants:
        refuse_absent(recipe_of({**common, **variant.options}).arch)
    runs = planned(request.variants, request.seeds, request.data, request.out, common)
    label_source, *others = sorted({run.label_source for run in runs})
    if others:
        raise UsageError(
            f"the variants learn the labels {label_source} and {others[0]}, and one set of faces cannot judge both; "
            "compare them apart"
        )
    with locked(request.out, wait_s=0.0):
        refuse_others(request.out, runs)
        classes = faces_to_judge(request.data, request.classes, label_source)[1].classes
        runs = train_all(runs)
        if all(run.error for run in runs):
            raise EdgeError(f"all {len(runs)} trainings failed, the first one: {runs[0].error}")
        split, faces, measured = measure_all(
            runs, request.data, classes, label_source, request.out, request.targets, request.quantize
        )
        return write_page(request.out, runs, measured, split, faces)
