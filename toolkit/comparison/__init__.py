"""Several trainings side by side: trained, measured on the test split, told on one page."""
