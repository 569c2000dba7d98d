"""Which commands a request may give, by whom, and where: a row each."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from drawdown.operate.keys import Scope
from drawdown.wire.basics import StrictMessage
from drawdown.wire.commands import ActivatePlanMessage, OpenAccountMessage
from drawdown.wire.plan_commands import (
    CancelPlanMessage,
    ConfirmPlanMessage,
    DraftPlanMessage,
    OfferPlanMessage,
    PausePlanMessage,
    RecordPaymentMessage,
    RenewPlanMessage,
    RequestPlanMessage,
    ResumePlanMessage,
    SetRenewalMessage,
)
from drawdown.wire.wallet_commands import (
    AdjustMessage,
    GrantVoucherMessage,
    SetDebtLimitMessage,
    TopUpMessage,
)

_ACCOUNT: Final = "/accounts/{account}"
_NEW: Final = HTTPStatus.CREATED
_PLAN: Final = "/accounts/{account}/plans/{plan}"
OFFICE: Final[frozenset[Scope]] = frozenset({"operator"})
SALES: Final[frozenset[Scope]] = frozenset({"operator", "sales"})
HELP: Final[frozenset[Scope]] = frozenset({"operator", "support", "account"})  # what support does for a customer
_CUSTOMER: Final[frozenset[Scope]] = frozenset({"operator", "sales", "support", "account"})


class Row(NamedTuple):
    """A request that gives a command.

    command: its name on the log. path: below /v1; its parameters are fields of the message. by: the field that the
    key's holder is written into. matched: the field that If-Match says. status: of an answer that it is applied.
    """

    command: str
    method: str
    path: str
    message: type[StrictMessage]
    scopes: frozenset[Scope]
    tag: str
    status: HTTPStatus = HTTPStatus.OK
    by: str | None = None
    matched: str | None = None


ROWS: Final[Sequence[Row]] = (
    Row("open_account", "POST", "/accounts", OpenAccountMessage, SALES, "accounts", _NEW),
    Row("set_debt_limit", "PUT", f"{_ACCOUNT}/debt-limit", SetDebtLimitMessage, OFFICE, "wallet", by="operator"),
    Row("request_plan", "POST", f"{_ACCOUNT}/plan-requests", RequestPlanMessage, _CUSTOMER, "plans", _NEW),
    Row("draft_plan", "POST", f"{_ACCOUNT}/plans", DraftPlanMessage, SALES, "plans", _NEW),
    Row("offer_plan", "POST", f"{_PLAN}/offer", OfferPlanMessage, SALES, "plans"),
    Row("confirm_plan", "POST", f"{_PLAN}/confirm", ConfirmPlanMessage, _CUSTOMER, "plans", matched="revision"),
    Row("activate_plan", "POST", f"{_PLAN}/activate", ActivatePlanMessage, OFFICE, "plans", _NEW),
    Row("pause_plan", "POST", f"{_PLAN}/pause", PausePlanMessage, HELP, "plans"),
    Row("resume_plan", "POST", f"{_PLAN}/resume", ResumePlanMessage, HELP, "plans"),
    Row("renew_plan", "POST", f"{_PLAN}/renew", RenewPlanMessage, _CUSTOMER, "plans"),
    Row("set_renewal", "PUT", f"{_PLAN}/renewal", SetRenewalMessage, _CUSTOMER, "plans"),
    Row("cancel_plan", "POST", f"{_PLAN}/cancel", CancelPlanMessage, _CUSTOMER, "plans"),
    Row("record_payment", "POST", f"{_ACCOUNT}/payments", RecordPaymentMessage, OFFICE, "payments", _NEW),
    Row("grant_voucher", "POST", f"{_ACCOUNT}/vouchers", GrantVoucherMessage, SALES, "wallet", _NEW),
    Row("top_up", "POST", f"{_ACCOUNT}/top-ups", TopUpMessage, OFFICE, "wallet", _NEW),
    Row("adjust", "POST", f"{_ACCOUNT}/adjustments", AdjustMessage, OFFICE, "wallet", _NEW, by="operator"),
)  # fmt: skip
