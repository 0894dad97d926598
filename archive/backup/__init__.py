"""Backup, restore, drill and repair (arts. 9(3), 25): copies of the archive elsewhere, never believed, always read."""
