"""Several results documents made one."""

from dataclasses import replace
from typing import Any

from device.errors import EdgeError
from device.text import printable
from toolkit.results.provenance import provenance
from toolkit.results.types import ModelResults, Results


def join_results(documents: list[Results]) -> Results:
    """Return one document with one entry a model file; of the same measurement made twice the last stands.

    EdgeError where two figures are told to be on the same faces, and these have other classes.
    """
    _refuse_other_classes(documents)
    joined: dict[str, ModelResults] = {}
    for document in documents:
        for entry in (_dated(entry, document.created) for entry in document.models):
            known = joined.get(entry.model.sha256)
            joined[entry.model.sha256] = entry if known is None else _merge(known, entry)
    origin = [
        {**document.provenance, "command": document.command, "created": document.created}
        for document in documents
    ]
    sources = [source for entry in origin for source in entry.get("documents", [entry])]
    return Results(tuple(joined.values()), "report", provenance={**provenance(), "documents": sources})


def _refuse_other_classes(documents: list[Results]) -> None:
    known: dict[str, tuple[str, ...]] = {}
    for entry in (entry for document in documents for entry in document.models):
        for data in (*(one.data for one in entry.evaluations), *(one.data for one in entry.comparisons)):
            classes = known.setdefault(data.fingerprint, data.classes)
            if classes != data.classes:
                raise EdgeError(
                    f"the faces {printable(data.fingerprint, 12)} are of {', '.join(classes)} in one figure and "
                    f"of {', '.join(data.classes)} in that of {entry.model.name}; measure again"
                )


def _dated(entry: ModelResults, created: str) -> ModelResults:
    """Return the entry with every figure dated; ``created``: of those that do not tell."""
    return replace(
        entry,
        evaluations=tuple(replace(one, measured_at=one.measured_at or created) for one in entry.evaluations),
        latencies=tuple(replace(one, measured_at=one.measured_at or created) for one in entry.latencies),
    )


def _merge(old: ModelResults, new: ModelResults) -> ModelResults:
    def last_of(first: tuple[Any, ...], second: tuple[Any, ...], key: Any) -> tuple[Any, ...]:
        return tuple({key(entry): entry for entry in (*first, *second)}.values())

    robust = {entry.data.fingerprint: entry.robustness for entry in old.evaluations}
    newer = tuple(
        replace(entry, robustness=entry.robustness or robust.get(entry.data.fingerprint))
        for entry in new.evaluations
    )
    # What the device timed names no labels: what a document does not tell, the other one does.
    facts = {name: value for name, value in vars(new.model).items() if value not in (None, ())}
    return replace(
        old,
        model=replace(old.model, **facts),
        evaluations=last_of(old.evaluations, newer, lambda entry: entry.data.fingerprint),
        comparisons=last_of(
            old.comparisons, new.comparisons, lambda entry: (entry.baseline_sha256, entry.data.fingerprint)
        ),
        latencies=last_of(old.latencies, new.latencies, lambda entry: (entry.machine, entry.way)),
        quantization={**(old.quantization or {}), **(new.quantization or {})} or None,
        whole_way=last_of(old.whole_way, new.whole_way, lambda entry: (entry.source, entry.detector)),
        training={**(old.training or {}), **(new.training or {})} or None,
    )
