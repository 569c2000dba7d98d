"""An account in tables."""

from drawdown.cli.output import say, short, show_table, when
from drawdown.operate.accounts import AccountView, PlanDetails, Scope
from drawdown.operate.wallets import WalletView

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def report(account: AccountView) -> None:
    """Print balances, plans (View Details), services (Service Details) and credit."""
    say(
        f"{account.account}: {account.currency}, {account.time_zone}, opened {when(account.opened)};"
        f" shard {account.shard} at commit {account.commit}"
    )
    credit = "" if account.wallet is None else _credit(account.wallet)
    say(f"in active plans {short(account.remaining)}{credit}")
    if account.plans:
        show_table(
            ("plan", "status", "scope", ">amount", ">spent", ">remaining", "time left"),
            [
                (p.plan, p.status, _scopes(p.scope), short(p.amount), short(p.spent), short(p.remaining), _left(p))
                for p in account.plans
            ],
            "Plans",
        )
        show_table(
            ("plan", "service", ">spent", ">quota", ">remaining quota"),
            [
                (
                    plan.plan,
                    _scope(Scope(one.service, one.dimensions)),
                    short(one.spent),
                    short(one.quota or "-"),
                    short(one.remaining or "-"),
                )
                for plan in account.plans
                for one in plan.services
            ],
            "Services",
        )
    else:
        say("no plans")
    if account.offers:
        rows = [
            (o.plan, o.status, o.revision, o.terms, short(o.amount), short(o.price), o.follows or "-")
            for o in account.offers
        ]
        show_table(("plan", "status", ">revision", "terms", ">amount", ">price", "follows"), rows, "Not started")
    if account.payment_requests:
        show_table(
            (">number", "plan", "reason", ">amount", ">paid", "due"),
            [
                (r.number, r.plan, r.reason, short(r.amount), short(r.paid), when(r.due) + " overdue" * r.overdue)
                for r in account.payment_requests
            ],
            "Payments due",
        )
    if account.wallet is not None:
        _wallet(account.wallet)


def _credit(wallet: WalletView) -> str:
    vouchers, top_ups = short(wallet.voucher_credit), short(wallet.top_up_credit)
    limit = "" if wallet.debt_limit is None else f" of at most {short(wallet.debt_limit)}"
    return f", in vouchers {vouchers}, in top-ups {top_ups}, debt {short(wallet.debt)}{limit}"


def _wallet(wallet: WalletView) -> None:
    if wallet.vouchers:
        rows = [
            (
                voucher.voucher,
                voucher.priority,
                part.covers,
                short(part.amount),
                short(part.remaining),
                when(voucher.expires),
            )
            for voucher in wallet.vouchers
            for part in voucher.parts
        ]
        show_table(("voucher", ">priority", "for", ">amount", ">remaining", "expires"), rows, "Vouchers")
    if wallet.top_ups:
        rows_ = [(top_up.top_up, short(top_up.amount), short(top_up.remaining)) for top_up in wallet.top_ups]
        show_table(("top-up", ">amount", ">remaining"), rows_, "Top-ups")


def _scopes(scope: list[Scope] | None) -> str:
    return "all services" if scope is None else ", ".join(_scope(item) for item in scope)


def _scope(item: Scope) -> str:
    told = ", ".join(f"{name}={value}" for name, value in item.dimensions.items())
    return f"{item.service} ({told})" if told else item.service


def _left(plan: PlanDetails) -> str:
    seconds = plan.remaining_seconds
    if seconds is None:
        return "open-ended"
    if seconds >= _DAY:
        return f"{seconds // _DAY} days"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} hours"
    return f"{seconds // _MINUTE} minutes"
