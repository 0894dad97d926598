"""Behaviour that every implementation of a seam must show."""
