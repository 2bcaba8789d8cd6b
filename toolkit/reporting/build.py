"""Building the report's files from results files."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EdgeError
from device.files import write_together
from toolkit.reporting.change import Changes, changes, figures
from toolkit.reporting.condition import Condition, failing
from toolkit.reporting.markdown import render_markdown
from toolkit.results.data_facts import DataFacts
from toolkit.results.device_json import Run
from toolkit.results.reading import read_documents
from toolkit.results.selection import Selection, select
from toolkit.results.types import Results

if TYPE_CHECKING:
    from toolkit.reporting.face_pictures import FacePictures

DOCUMENTS = (".json", ".md")  # written beside the page


@dataclass(frozen=True)
class Report:
    """A report before it is written: joined results, runs of the device, data sets, what changed since an older one."""

    results: Results
    runs: tuple[Run, ...] = ()
    data_sets: tuple[DataFacts, ...] = ()
    compared: Changes | None = None
    faces: "FacePictures | None" = None

    @cached_property
    def selection(self) -> Selection:
        """What of the results may be compared, and the choice among it."""
        return select(self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the joined results with the decision: itself a results document that a later report can read."""
        selection, machine = self.selection, self.selection.machine
        decision = {
            "choice": selection.choice.name if selection.choice else None,
            "data": selection.data.fingerprint if selection.data else None,
            "synthetic": selection.data.synthetic if selection.data else None,
            "target": machine.target if machine else None,
            "origin": machine.origin if machine else None,
            "reasons": list(selection.reasons),
            "pareto_front": list(selection.front),
            "notes": list(selection.notes),
        }
        document = {**self.results.to_json(), "decision": decision}
        document["runs"] = [{**run.facts, "latency": run.latency.stages} for run in self.runs]
        document["data_sets"] = [asdict(facts) for facts in self.data_sets]
        if self.compared is not None:
            document["changes"] = [asdict(change) for change in self.compared.models]
        return document

    def to_markdown(self) -> str:
        """Return the decision, the tables and what changed, for a pull request."""
        return render_markdown(self.selection, self.compared, self.data_sets)

    def to_html(self, json_name: str) -> str:
        """Return the self-contained page."""
        from toolkit.reporting.page import report_page

        sources = self.results.provenance.get("documents", [])
        return report_page(
            self.selection, sources, self.runs, self.data_sets, json_name, self.compared, self.faces
        )


def make_report(paths: list[str], old: str | None = None, faces: str | None = None) -> Report:
    """Join the results files ``paths``; ``old``: a report to compare with; ``faces``: data whose faces are shown.

    Raises EdgeError for a file that is no results file, or faces that are not those of the results.
    """
    documents = read_documents(paths)
    results = documents.results
    compared = changes(read_documents([old]).results, results) if old else None
    pictures = None
    if faces:
        from toolkit.reporting.face_pictures import face_pictures

        pictures = face_pictures(results, faces)
    return Report(results, documents.runs, documents.data_sets, compared, pictures)


def write_report(report: Report, paths: tuple[Path, ...], overwrite: bool = False) -> None:
    """Write ``report`` as HTML, JSON and Markdown to ``paths``, as ``page_paths`` returns them: all or none."""
    page, beside, markdown = paths
    texts = {
        page: report.to_html(beside.name),
        beside: json.dumps(report.to_json(), indent=1, allow_nan=False) + "\n",
        markdown: report.to_markdown(),
    }
    write_together(texts, overwrite)


def fail_if(report: Report, condition: Condition) -> None:
    """Raise EdgeError naming the models for which ``condition`` holds."""
    found = failing(condition, figures(report.selection, report.compared))
    if found:
        raise EdgeError(f"'{condition.text}' holds for {'; '.join(found)}")
