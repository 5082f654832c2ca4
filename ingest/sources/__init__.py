"""Kinds of logs: a module or a folder for each; a source finds drives and opens them."""
