"""The session: states, moves, tables, machine. Begin with `table`, which says where each part of the law is."""
