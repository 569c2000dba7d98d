"""Proves from the log alone that what was published is what the inputs lead to: replay, invariants, cache."""

from drawdown.verify.report import Finding, Note, Report
from drawdown.verify.run import verify

__all__ = ["Finding", "Note", "Report", "verify"]
