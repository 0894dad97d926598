"""The databases that are read and written: one package each, all with the behaviour of `migration.engine`."""
