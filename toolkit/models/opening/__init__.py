"""Opening what anybody saved, Keras files of ten years, HDF5 and SavedModels, without running or believing it."""
