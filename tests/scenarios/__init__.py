"""Scenarios: one path of a case a file, as a clerk would read it, run by the tests and printed into the docs."""
