"""The benchmarks, at tiny sizes."""
