"""The three grants: states, inputs, moves, tables, machines. Begin with `tables`, which is the law."""
