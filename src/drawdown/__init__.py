"""Drawdown: rates usage as it happens and draws it down from what each customer has paid for."""

from drawdown.compiled import use as _use_compiled

COMPILED = _use_compiled()
