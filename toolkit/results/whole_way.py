"""What is left of a model's accuracy on whole pictures, as results hold it."""

from dataclasses import dataclass

from toolkit.results.metrics import refuse_contradiction, wilson_interval

ALL_FACES = "all faces"


@dataclass(frozen=True)
class Share:
    """``hits`` of ``n`` > 0 as a ratio 0..1 with Wilson's interval at 95 %."""

    hits: int
    n: int
    ratio: float
    interval: tuple[float, float]

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.n or self.n < 1:
            raise ValueError(f"{self.hits} of {self.n} is no share")
        counted = {"ratio": self.hits / self.n, "interval": wilson_interval(self.hits, self.n)}
        refuse_contradiction(vars(self), counted, f" of {self.hits} in {self.n}")

    @classmethod
    def of(cls, hits: int, n: int) -> "Share | None":
        """Return ``hits`` of ``n``, or None of none."""
        return cls(hits, n, hits / n, wilson_interval(hits, n)) if n else None


@dataclass(frozen=True)
class FaceGroup:
    """The faces of one condition, such as 'size' 'under 48 px'; a figure is None where nothing tells it.

    ``n``: labelled faces, found or not; ``found``: of these; ``right_among_found``: of the found that have a class;
    ``right_over_all``: of all that have a class. Where pictures have a class but no boxes, the condition of a face that
    was not found is unknown: only the group ``ALL_FACES`` then has ``found`` and ``right_over_all``.
    """

    condition: str
    group: str
    n: int
    found: Share | None
    right_among_found: Share | None
    right_over_all: Share | None


@dataclass(frozen=True)
class WholeWay:
    """Pictures through detector, alignment, crop and network, as a board runs them.

    ``false_n``: detections where no labelled face is, None where the pictures have no boxes; ``clips_n``: films among
    the sources, whose frames resemble each other, so that intervals are too narrow; ``min_face_px``: smaller labelled
    faces count neither as missed nor as false; ``measured_at``: ISO 8601, UTC.
    """

    source: str
    detector: str
    min_face_px: int
    pictures_n: int
    clips_n: int
    false_n: int | None
    groups: tuple[FaceGroup, ...]
    measured_at: str = ""

    @property
    def all_faces(self) -> FaceGroup:
        """The group of all faces."""
        return self.groups[0]

    def __post_init__(self) -> None:
        if self.pictures_n < 1 or not self.groups or self.groups[0].group != ALL_FACES:
            raise ValueError("the figures of whole pictures have no picture or not all faces first")
