"""The transfer of a pension relation as prescribed: what is moved, what is cleared, which place pays. Pure."""
