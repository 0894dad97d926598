"""The commands, one module a group. A command reads its arguments, calls one function and prints what came of it."""
