"""Under which labels a data set is seen: its own, or the majority of the FER+ votes."""

from toolkit.data.class_names import normal_class_name
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import with_majority_labels

OWN_LABELS, FERPLUS_LABELS = LABEL_SOURCES = ("own", "ferplus")


def narrowed(dataset: Dataset, classes: tuple[str, ...] | None, label_source: str) -> Dataset:
    """Return ``dataset`` under the labels of ``label_source``, 'own' or 'ferplus', with ``classes`` alone, in their
    order; None keeps all. EdgeError for 'ferplus' without votes and for a class that is not there."""
    if label_source == FERPLUS_LABELS:
        dataset = with_majority_labels(dataset)
    if classes is not None:
        dataset = dataset.with_classes(tuple(normal_class_name(name) for name in classes))
    return dataset
