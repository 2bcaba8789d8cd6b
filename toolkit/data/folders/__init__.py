"""Pictures in folders: their classes and splits, as folders, lists beside them, files of labels or their names tell."""
