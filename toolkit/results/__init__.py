"""What was measured: types, the results file, reading, joining, choosing."""
