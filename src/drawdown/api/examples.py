"""Examples of requests for the OpenAPI document: of parameters by name, of bodies by operation."""

from collections.abc import Mapping
from typing import Any, Final

_TERMS: Final = {"currency": "USD", "book": "plan-usd", "book_version": 1, "amount": "120.00"}
_BY: Final = {"currency": "USD", "reason": "agreed on the phone"}
PARAMETERS: Final[Mapping[str, Any]] = {
    "account": "acme",
    "plan": "team",
    "book": "plan-usd",
    "version": 1,
    "service": "gpu-container",
    "meter": "gpu_seconds",
    "dimension": ["gpu_model:H100"],
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-12-01T00:00:00Z",
    "If-Match": '"1-8a24d8c6f00426fb"',
}
BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "open_account": {"account": "acme", "currency": "USD", "time_zone": "Asia/Ho_Chi_Minh"},
    "set_debt_limit": _BY | {"limit": "500.00"},
    "request_plan": {
        "request": "more-inference",
        "scope": [{"service": "inference"}],
        "expected_usage": "about 2 billion tokens a month",
        "budget": "1200.00",
        "currency": "USD",
        "contact": "billing@acme.example",
    },
    "draft_plan": _TERMS
    | {
        "plan": "research",
        "revision": 1,
        "months": 12,
        "scope": [{"service": "inference"}],
        "payment": {"terms": "upfront", "price": "100.00"},
    },
    "offer_plan": {"revision": 1, "until": "2027-01-31T00:00:00Z"},
    "confirm_plan": {},
    "activate_plan": _TERMS | {"start": "2026-11-23T00:00:00Z"},
    "pause_plan": {"until": "2027-01-15T00:00:00Z"},
    "resume_plan": {},
    "renew_plan": {"renewal": "team-2028"},
    "set_renewal": {"renewal": "automatic"},
    "cancel_plan": {"when": "cycle_end"},
    "record_payment": {
        "number": 1,
        "method": "bank-transfer",
        "reference": "statement-17/4",
        "amount": "100.00",
        "currency": "USD",
    },
    "grant_voucher": {
        "voucher": "welcome",
        "currency": "USD",
        "amount": "25.00",
        "scope": [{"service": "gpu-container", "dimensions": {"gpu_model": "H100"}}],
        "expires": "2027-11-23T00:00:00Z",
    },
    "top_up": {"reference": "card-8841", "currency": "USD", "amount": "50.00"},
    "redeem_code": {"redemption": "spring", "code": "AB12C D34EF"},
    "adjust": _BY | {"adjustment": "goodwill-17", "amount": "-12.50", "kind": "correction"},
    "authorize": {"service": "inference", "dimensions": {"model": "Qwen3-32B"}, "hourly_cost": "2.50"},
    "estimate": {
        "service": "inference",
        "data": {"endpoint": "chat", "model": "Qwen3-32B", "input_tokens": 1_000_000},
    },
    "replay_dead_letter": {"reason": "the account is open now"},
    "issue_codes": {
        "campaign": "spring",
        "count": 3,
        "currency": "USD",
        "amount": "10.00",
        "valid_seconds": 7_776_000,
    },
    "look_up_code": {"code": "AB12C D34EF"},
    "withdraw_code": {"code": "AB12C D34EF", "reason": "printed on the wrong flyer"},
}
