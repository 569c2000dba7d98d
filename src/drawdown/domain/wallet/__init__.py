"""The wallet: overage is drawn from vouchers, then top-ups, then becomes debt. It never prices."""
