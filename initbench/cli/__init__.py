"""The command line: parse, call the stages, print. Nothing heavy is imported before a command needs it."""

from initbench.cli.app import app, main

__all__ = ["app", "main"]
