"""An account as the API's reads show it, in the words of scenario files."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from drawdown.operate.accounts import STATUSES
from drawdown.scenario.form import PlanState, StateForm

_AMOUNTS = ("amount", "spent", "remaining", "forfeited", "rolled_over", "credited")
_RENEWING = "Pending Renewal"  # any plan whose renewal is offered is shown so
_ENDED = ("Cancelled", "Replaced", "Expired")  # whichever it was, the ledger's own status is expired or settling
_OFFERS = {shown: status for status, shown in STATUSES.items() if shown != "Expired"}


async def seen(client: httpx.AsyncClient, account: str, form: StateForm) -> dict[str, Any]:
    """Read what a scenario tells of an account: View Details, Service Details, offers, payments due, the wallet."""
    place = f"/v1/accounts/{quote(account, safe='')}"
    came: dict[str, Any] = {"plans": {}, "offers": {}, "due": {}, "wallet": {}}
    for name, told in (form.plans or {}).items():
        plan = f"{place}/plans/{quote(name, safe='')}"
        details, services = await client.get(plan), await client.get(f"{plan}/services")
        if details.is_success and "spent" in details.json():
            came["plans"][name] = _plan(told, details.json(), services.json()["services"])
    if form.offers is not None:
        listed = (await client.get(f"{place}/plans")).json()
        came["offers"] = {one["plan"]: _OFFERS[one["status"]] for one in listed["offers"]}
    if form.due is not None:
        listed = (await client.get(f"{place}/payment-requests")).json()
        came["due"] = {str(one["number"]): _left(one["amount"], one["paid"]) for one in listed["payment_requests"]}
    if form.wallet is not None:
        answer = await client.get(f"{place}/wallet")
        came["wallet"] = _wallet(answer.json()) if answer.is_success else {}
    return came


def _plan(told: PlanState, details: dict[str, Any], services: list[dict[str, Any]]) -> dict[str, Any]:
    whole = {one["service"]: one["spent"] for one in services if not one["dimensions"]}
    listed = told.by_service or {}
    shown = {name: details[name] for name in _AMOUNTS}
    shown["by_service"] = {name: spent for name, spent in whole.items() if name in listed or Decimal(spent)}
    return shown | {"status": _status(told.status, details["status"])}


def _status(wanted: str | None, came: str) -> str:
    """Give the ledger's status where the API's word is one that it may show for it; else that word."""
    may = {_RENEWING, STATUSES.get(wanted or "", "")}
    if wanted in {"settling", "expired"}:
        may |= set(_ENDED)
    return wanted if wanted is not None and came in may else came


def _wallet(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "vouchers": {one["voucher"]: one["remaining"] for one in shown["vouchers"]},
        "top_ups": {one["top_up"]: one["remaining"] for one in shown["top_ups"]},
        "debt": shown["debt"],
    }


def _left(amount: str, paid: str) -> str:
    return f"{Decimal(amount) - Decimal(paid):f}"
