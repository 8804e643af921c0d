"""Ways to look at the law and at a run of it: diagrams drawn from the tables, transcripts that replay byte for byte.

Nothing in the engine needs this layer, so nobody pays for it who does not import it.
"""
