"""The report's sections about the data sets behind its figures."""

from pathlib import Path
from typing import Any

from toolkit.charts.charts import WIDTH
from toolkit.charts.class_chart import class_chart
from toolkit.results.data_facts import DataFacts
from toolkit.results.selection import Selection


def evaluated_on(facts: DataFacts, selection: Selection) -> bool:
    """Return whether any model was evaluated on a split of this data, by its name, its classes and number of faces."""
    sizes = {split: sum(numbers.values()) for split, numbers in facts.counts.items()}
    return any(
        Path(found.data.source).name == facts.name
        and found.data.n == (sizes.get(found.data.split) or facts.faces)
        and set(found.data.classes) == set(facts.classes)
        for row in selection.rows
        for found in row.entry.evaluations
    )


def data_sections(data_sets: tuple[DataFacts, ...], selection: Selection) -> list[dict[str, Any]]:
    """Return what the page shows of each data set."""
    return [
        {
            "facts": facts,
            "svg": class_chart(facts.counts, facts.classes, f"data{index}", WIDTH),
            "elsewhere": not evaluated_on(facts, selection),
        }
        for index, facts in enumerate(data_sets)
    ]
