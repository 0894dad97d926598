"""`jiexu bench migrate`: a table of contributions carried from one storage to another, beside what a user would script.

Each side leaves the same table behind: loaded, with its primary key, analysed. Round after round both do their work,
ours in a process of its own for each stage, so that processor time and peak memory are those of that stage alone. The
databases lie in PostgreSQL servers that flush to the disk; before each piece of work they write a checkpoint.
"""
