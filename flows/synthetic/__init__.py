"""Invented people with whole working lives, for the demo, the tests and the benchmarks. Nobody here exists."""
