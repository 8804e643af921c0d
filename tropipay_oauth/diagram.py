"""Diagrams: the machines as Mermaid text or SVG, drawn from the tables that they run on."""

from ._observation.diagram import diagram as diagram

__all__ = ["diagram"]
