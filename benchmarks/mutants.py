"""How many small faults the tests notice: mutants of a seeded sample, each run against the tests of its room.

The mutants are mutmut's, made by its operators; its own runner is not used, for it neither samples nor reaches the
commands that the tests start as processes. As many mutants of each kind (a number, a comparison, an argument...) are
drawn, so that the many kinds that break at once do not hide the few that do not. What people read is not changed:
strings with a blank in them. Each mutant stands in a copy of this tree and is killed by the first test that fails:
those that import its file, then those of its room. What was found is kept in build/mutants, so that an
interrupted run goes on; with --page the survivors are written to a page, whose last column, the reason why one may
live, is written by hand and kept, as are the rows of places that are not asked for.

    make mutants                                     what docs/figures/mutants.md says
    python benchmarks/mutants.py device/faces=40     a room alone; mutmut must be on PYTHONPATH
"""

import argparse
import concurrent.futures
import difflib
import functools
import hashlib
import json
import os
import queue
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from device.cli.ending import run_script

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
LEFT_OUT = ("device/capture/sources/", "toolkit/reporting/")  # cameras; words and pictures
MARKS = ("---", "+++", "@@ ")
NOT_COPIED = (".*", "build", "dist", "runs", "*.egg-info", "__pycache__")
CPU_S = 300  # a mutant that loops for ever ends by this, however busy the machine
WAIT_S = 1800  # and one that waits for ever by this


@dataclass(frozen=True)
class Mutant:
    """One change: the file, its line, what kind of thing is changed, how its code reads before and after, and the
    changed file. ``nth`` tells equal changes of a file apart."""

    path: str
    line: int
    kind: str
    before: str
    after: str
    nth: int
    text: Callable[[], str]

    def digest(self, seed: int = 0) -> str:
        """The same for the same change, whatever else is edited."""
        told = f"{seed}\n{self.path}\n{self.before}\n{self.after}\n{self.nth}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def change(self) -> str:
        """The lines that are changed, for a cell of a table."""
        old, new = (ROOT / self.path).read_text().splitlines(), self.text().splitlines()
        lines = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:3] not in MARKS]
        before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
        return f"`{before}` → `{after}`".replace("|", "\\|")


class Collector(cst.CSTVisitor):
    """Gathers what mutmut's operators make of each node outside of annotations and decorators."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator):
            return False
        if isinstance(node, cst.SimpleString) and any(character.isspace() for character in node.value):
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                line = self.get_metadata(PositionProvider, node).start.line
                self.found += [(node, mutated, line) for mutated in operator(node)]
        return True


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield every mutant of the file."""
    wrapper = MetadataWrapper(cst.parse_module((ROOT / path).read_text()))
    module, collector = wrapper.module, Collector()
    wrapper.visit(collector)
    seen: Counter[tuple[str, str]] = Counter()
    for node, mutated, line in collector.found:
        before, after = (" ".join(module.code_for_node(one).split()) for one in (node, mutated))
        seen[before, after] += 1
        text = functools.partial(changed, module, node, mutated)
        yield Mutant(path, line, type(node).__name__, before, after, seen[before, after], text)


def changed(module: cst.Module, node: cst.CSTNode, mutated: cst.CSTNode) -> str:
    return cst.ensure_type(module.deep_replace(node, mutated), cst.Module).code


def sample(place: str, count: int, seed: int) -> list[Mutant]:
    """Return ``count`` mutants of the files in ``place``, as many of each kind, in the order that ``seed`` gives."""
    kinds: dict[str, list[Mutant]] = {}
    for file in sorted((ROOT / place).rglob("*.py")):
        path = str(file.relative_to(ROOT))
        for mutant in () if path.startswith(LEFT_OUT) else mutants_of(path):
            kinds.setdefault(mutant.kind, []).append(mutant)
    for of_kind in kinds.values():
        of_kind.sort(key=lambda mutant: mutant.digest(seed), reverse=True)
    chosen: list[Mutant] = []
    while any(kinds.values()) and len(chosen) < count:
        chosen += [kinds[kind].pop() for kind in sorted(kinds) if kinds[kind]]
    return chosen[:count]


def covering_tests(path: str, root: Path) -> list[str]:
    """Return the tests of a source file, those that know it best first: named like it, importing it, of its room."""
    module, folder = path.removesuffix(".py").replace("/", "."), root / "tests" / Path(path).parent
    module = module.removesuffix(".__init__")
    package, _, name = module.rpartition(".")
    while not any(folder.rglob("test_*.py")):
        folder = folder.parent
    imports = [f"from {module} import", f"import {module}", f"from {package} import {name}"]
    imports += [f'"{name}"'] if package.endswith(".cli") else []  # a command is started by its name
    everywhere = sorted((root / "tests").glob("*/**/test_*.py"))
    everywhere = [test for test in everywhere if "hardware" not in test.parts]
    users = [test for test in everywhere if any(words in test.read_text() for words in imports)]
    room = sorted(folder.rglob("test_*.py"))
    ordered = [test for test in users + room if test.stem == f"test_{name}"] + users + room
    names = [str(test.relative_to(root)) for test in ordered]
    return list(dict.fromkeys([*names, "tests/test_docs.py", "tests/test_boundaries.py"]))


def copy_tree(number: int) -> Path:
    """Make a fresh copy of this tree without what was built or downloaded beside the packages."""
    copy = WORK / f"copy{number}"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return copy


def run_tests(copy: Path, tests: list[str], *options: str) -> str:
    """Return the tests that fail, a line each, or what else ended them; an empty text if all pass."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=no", "-rfE", *options, *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=WAIT_S, start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 10)),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "waits for ever"
    if done.returncode == 0:
        return ""
    said = (line.partition(" - ")[0].partition(" ") for line in done.stdout.splitlines())
    failed = [test for word, _, test in said if word in ("FAILED", "ERROR")]
    return "\n".join(failed) or f"ends with {done.returncode}"


def try_mutant(copies: "queue.Queue[Path]", mutant: Mutant) -> str:
    copy = copies.get()
    target = copy / mutant.path
    whole = target.read_text()
    try:
        target.write_text(mutant.text())
        return run_tests(copy, covering_tests(mutant.path, copy), "-x")
    finally:
        target.write_text(whole)
        copies.put(copy)


def try_all(mutants: list[Mutant], jobs: int, kept: Path, again: bool) -> dict[str, str]:
    """Return by key what killed each mutant, or an empty text; what ``kept`` knows is not run again, but survivors
    are where ``again`` is set."""
    known = dict(map(json.loads, kept.read_text().splitlines())) if kept.exists() else {}
    waiting = [one for one in mutants if one.digest() not in known or (again and not known[one.digest()])]
    if not waiting:
        return known
    copies: queue.Queue[Path] = queue.Queue()
    for number in range(jobs):
        copies.put(copy_tree(number))
    print(f"{len(waiting)} of {len(mutants)} mutants to run", flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, open(kept, "a") as log:
        running = {pool.submit(try_mutant, copies, mutant): mutant for mutant in waiting}
        for number, done in enumerate(concurrent.futures.as_completed(running), 1):
            mutant, killer = running[done], done.result()
            known[mutant.digest()] = killer
            log.write(json.dumps([mutant.digest(), killer]) + "\n")
            log.flush()
            verdict = f"killed by {killer}" if killer else "SURVIVED"
            print(
                f"{number}: {mutant.path}:{mutant.line} {mutant.before} -> {mutant.after}: {verdict}",
                flush=True,
            )
    refuse_false_killers(copies.get(), known, kept)
    return known


def refuse_false_killers(copy: Path, known: dict[str, str], kept: Path) -> None:
    """End where a test fails without any mutant, too; what it killed is forgotten."""
    tests = sorted({killer for killer in known.values() if "::" in killer})
    failing = run_tests(copy, tests).splitlines()
    if failing:
        true = {key: killer for key, killer in known.items() if killer not in failing}
        kept.write_text("".join(json.dumps(pair) + "\n" for pair in true.items()))
        sys.exit(f"error: without any mutant these fail: {', '.join(failing)}; mend them and run this again")


def read_reasons(page: Path) -> dict[tuple[str, str], str]:
    """Return by file and change the reasons that somebody wrote on the page."""
    text = page.read_text() if page.exists() else ""
    rows = re.findall(r"^\| `([^`]+):\d+` \| (.+?) \| ([^|]*?) ?\|$", text, re.M)
    return {(path, change): reason for path, change, reason in rows}


def rows_of_others(page: Path, places: Iterable[str]) -> list[tuple[str, int, str]]:
    """Return the rows on the page of files outside ``places``: what is told of, its line or 0 for a count, the row."""
    rows = re.finditer(r"^\| `([^`:]+)(?::(\d+))?` \|.*$", page.read_text() if page.exists() else "", re.M)
    mine = tuple(f"{place}/" for place in places)
    return [(row[1], int(row[2] or 0), row[0]) for row in rows if not row[1].startswith(mine)]


def write_page(page: Path, seed: int, samples: dict[str, list[Mutant]], killers: dict[str, str]) -> None:
    """Write how many of each sample were killed, and every survivor with the reason that stood on the page; what
    stood there of other places is kept."""
    reasons, rows = read_reasons(page), rows_of_others(page, samples)
    for place, mutants in samples.items():
        alive = [mutant for mutant in mutants if not killers[mutant.digest()]]
        share = 1 - len(alive) / len(mutants)
        count = f"| `{place}/` | {len(mutants)} | {len(mutants) - len(alive)} ({100 * share:.0f} %) |"
        rows.append((f"{place}/", 0, count))
        for one in alive:
            reason = reasons.get((one.path, one.change), "")
            rows.append((one.path, one.line, f"| `{one.path}:{one.line}` | {one.change} | {reason} |"))
    rows.sort()
    lines = [
        "# Mutants", "",
        f"Written by `make mutants` (seed {seed}); how it draws and runs them is told in `benchmarks/mutants.py`. The",
        "reasons are written by hand and kept from one run to the next.", "",
        "| files | mutants | killed |", "|---|---|---|",
        *(row for _, line, row in rows if not line), "",
        "| survivor | change | why it may live |", "|---|---|---|",
        *(row for _, line, row in rows if line),
    ]  # fmt: skip
    page.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("places", nargs="+", metavar="FOLDER=COUNT", help="how many mutants of whose files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--again", action="store_true", help="run those again that survived before")
    parser.add_argument("--list", action="store_true", help="print the sample and run nothing")
    parser.add_argument("--page", type=Path, help="write the survivors there")
    asked = parser.parse_args()
    wanted = [place.partition("=") for place in asked.places]
    samples = {place: sample(place, int(count), asked.seed) for place, _, count in wanted}
    mutants = [mutant for of_place in samples.values() for mutant in of_place]
    if asked.list:
        for one in mutants:
            print(
                f"{one.kind:20} {one.path}:{one.line} {one.before} -> {one.after}  {covering_tests(one.path, ROOT)[:2]}"
            )
        return
    WORK.mkdir(parents=True, exist_ok=True)
    killers = try_all(mutants, asked.jobs, WORK / "killers.jsonl", asked.again)
    for place, of_place in samples.items():
        killed = sum(bool(killers[mutant.digest()]) for mutant in of_place)
        print(f"{place}: {killed} of {len(of_place)} killed ({killed / len(of_place):.0%})")
    if asked.page:
        write_page(asked.page, asked.seed, samples, killers)


if __name__ == "__main__":
    run_script(main)
