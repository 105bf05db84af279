"""The page: one HTML file that shows a comparison to a reader who was not there, with nothing to install or fetch.

``render`` turns a comparison into text. Python computes every number (``payload``, ``tables``), the template holds the
words, and the scripts in ``assets`` draw what the embedded JSON says. Names reach the document as text, never as
markup.
"""

from initbench.report.page.html import render

__all__ = ["render"]
