"""Exports of clips and labels in formats of labelling tools."""
