"""Drawings of a spiral: the 8 as a figure, as SVG, Mermaid and BPMN."""
