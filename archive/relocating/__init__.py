"""The archive's folder on another storage: copied, read back, compared with what it must be; the old one stays."""

from archive.relocating.relocating import Home, Relocated, leave, marker, place, relocate

__all__ = ["Home", "Relocated", "leave", "marker", "place", "relocate"]
