"""Drawdown: rates usage as it happens and draws it down from what each customer has paid for."""
