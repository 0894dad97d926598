"""The evidence bundle: one case's originals with everything that proves them, in one file (arts. 10, 12, 13).

`container.py` is the file, `parts.py` its manifest, `proofs.py` what ties an original to a signed head of the journal,
`readme.py` how to check it by hand, `checking.py` the checks that need no OpenPGP. What is OpenPGP or XML in a bundle
is made and judged by `flows/bundles.py`.
"""
