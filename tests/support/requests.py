"""A request of every kind that the API answers, with a body that its ledger would read."""

from typing import Any, NamedTuple

PLAN = {"currency": "USD", "book": "plan-usd", "book_version": 1, "amount": "120.00"}
BY = {"currency": "USD", "reason": "a test"}


class Asked(NamedTuple):
    """A request for account {account}."""

    method: str
    path: str
    body: dict[str, Any] | None = None


_ACCOUNT, _PLAN = "/v1/accounts/{account}", "/v1/accounts/{account}/plans/team"
REQUESTS = {
    "show_account": Asked("GET", _ACCOUNT),
    "list_plans": Asked("GET", f"{_ACCOUNT}/plans"),
    "show_plan": Asked("GET", _PLAN),
    "show_services": Asked("GET", f"{_PLAN}/services"),
    "show_wallet": Asked("GET", f"{_ACCOUNT}/wallet"),
    "list_payment_requests": Asked("GET", f"{_ACCOUNT}/payment-requests"),
    "show_command": Asked("GET", f"{_ACCOUNT}/commands/c-1"),
    "authorize": Asked("POST", f"{_ACCOUNT}/authorize", {"service": "inference", "hourly_cost": "2.50"}),
    "estimate": Asked(
        "POST",
        f"{_ACCOUNT}/estimate",
        {"service": "inference", "data": {"endpoint": "chat", "model": "Q", "input_tokens": 1_000_000}},
    ),
    "show_limits": Asked("GET", f"{_ACCOUNT}/limits"),
    "list_history": Asked("GET", f"{_ACCOUNT}/history?balance=voucher&limit=1"),
    "list_charges": Asked("GET", f"{_ACCOUNT}/history/490896-1/charges"),
    "show_charge": Asked("GET", f"{_ACCOUNT}/charges/3:0"),
    "list_payments": Asked("GET", f"{_ACCOUNT}/payments"),
    "show_statement": Asked("GET", f"{_ACCOUNT}/statement?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"),
    "export_history": Asked("GET", f"{_ACCOUNT}/export?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&as=xlsx"),
    "show_forecast": Asked("GET", f"{_ACCOUNT}/forecast?hours=1"),
    "list_account_plan_requests": Asked("GET", f"{_ACCOUNT}/plan-requests"),
    "list_plan_requests": Asked("GET", "/v1/plan-requests"),
    "list_price_books": Asked("GET", "/v1/price-books"),
    "show_price_book": Asked("GET", "/v1/price-books/plan-usd/1"),
    "show_price": Asked("GET", "/v1/prices?book=plan-usd&service=inference&meter=input_tokens"),
    "list_dead_letters": Asked("GET", "/v1/dead-letters?reason=unknown_price"),
    "show_dead_letter": Asked("GET", "/v1/dead-letters/1:7"),
    "replay_dead_letter": Asked("POST", "/v1/dead-letters/1:7/replay", {"reason": "a test"}),
    "issue_codes": Asked(
        "POST",
        "/v1/codes",
        {"campaign": "spring", "count": 2, "currency": "USD", "amount": "10.00", "valid_seconds": 60},
    ),
    "look_up_code": Asked("POST", "/v1/codes/look-up", {"code": "ABCDE 12345"}),
    "withdraw_code": Asked("POST", "/v1/codes/withdrawals", {"code": "ABCDE 12345", "reason": "a test"}),
    "open_account": Asked("POST", "/v1/accounts", {"account": "{account}", "currency": "USD"}),
    "set_debt_limit": Asked("PUT", f"{_ACCOUNT}/debt-limit", BY | {"limit": "5.00"}),
    "request_plan": Asked(
        "POST",
        f"{_ACCOUNT}/plan-requests",
        {"request": "r-1", "expected_usage": "some", "currency": "USD", "contact": "a@b.example"},
    ),
    "draft_plan": Asked(
        "POST",
        f"{_ACCOUNT}/plans",
        PLAN | {"plan": "team", "revision": 1, "months": 1, "payment": {"terms": "upfront", "price": "100.00"}},
    ),
    "offer_plan": Asked("POST", f"{_PLAN}/offer", {"revision": 1}),
    "confirm_plan": Asked("POST", f"{_PLAN}/confirm", {}),
    "activate_plan": Asked("POST", f"{_PLAN}/activate", PLAN | {"start": "2026-11-23T00:00:00Z"}),
    "pause_plan": Asked("POST", f"{_PLAN}/pause", {}),
    "resume_plan": Asked("POST", f"{_PLAN}/resume", {}),
    "renew_plan": Asked("POST", f"{_PLAN}/renew", {}),
    "set_renewal": Asked("PUT", f"{_PLAN}/renewal", {"renewal": "automatic"}),
    "cancel_plan": Asked("POST", f"{_PLAN}/cancel", {"when": "now"}),
    "record_payment": Asked(
        "POST",
        f"{_ACCOUNT}/payments",
        {"number": 1, "method": "card", "reference": "ch-1", "amount": "1.00", "currency": "USD"},
    ),
    "grant_voucher": Asked(
        "POST",
        f"{_ACCOUNT}/vouchers",
        {"voucher": "v-1", "currency": "USD", "amount": "1.00", "expires": "2027-11-23T00:00:00Z"},
    ),
    "top_up": Asked("POST", f"{_ACCOUNT}/top-ups", {"reference": "t-1", "currency": "USD", "amount": "1.00"}),
    "redeem_code": Asked("POST", f"{_ACCOUNT}/redemptions", {"redemption": "r-1", "code": "ABCDE 12345"}),
    "adjust": Asked("POST", f"{_ACCOUNT}/adjustments", BY | {"adjustment": "a-1", "amount": "1.00"}),
}
HEADERS = {"Idempotency-Key": "k-0123456789abcdef", "If-Match": '"1-0123456789abcdef"'}


def of_account(asked: Asked, account: str) -> Asked:
    """Give a request for one account."""
    body = asked.body and {name: account if value == "{account}" else value for name, value in asked.body.items()}
    return Asked(asked.method, asked.path.replace("{account}", account), body)
