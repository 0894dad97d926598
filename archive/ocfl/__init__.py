"""The Oxford Common File Layout 1.1 (https://ocfl.io/1.1/spec/), written and judged.

Written so that a crash leaves nothing half done, and judged by all the rules of the standard, also what others wrote.

`storage` is the root, `objects` the writing side, `validation` the judge; the rest is theirs. Nothing here knows what
the files of an object are. Whoever writes holds the archive's lock: there is one writer.
"""
