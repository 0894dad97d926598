"""Benchmarks: our figures beside those of the tools a user would script, in the same run."""
