"""Every message that others read or write: its name, version, topics, key and definition. Schemas are made from it."""

from typing import Any, Literal

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE
from drawdown.topics import (
    ACCOUNT_EVENTS,
    CHARGES,
    CODE_COMMANDS,
    CREDIT_CHARGING,
    PLAN_COMMANDS,
    PRICES,
    WALLET_COMMANDS,
)
from drawdown.wire import code_commands, commands, plan_commands, redeeming, wallet_commands
from drawdown.wire.account_event import AccountEventMessage
from drawdown.wire.outputs import ChargeMessage, OverageMessage, WalletChargeMessage
from drawdown.wire.price_book import PriceBookMessage
from drawdown.wire.usage_data import DATA_TYPES, TYPE_PREFIX

ACCOUNT_KEY = "the account"
CODE_KEY = "the code's hash"


class Message(msgspec.Struct, frozen=True):
    """A message. definition: msgspec or pydantic type of the value, of `data` for usage. service: for usage only."""

    name: str
    version: int
    topics: tuple[str, ...]
    direction: Literal["in", "out"]
    key: str
    definition: Any
    service: str = ""

    @property
    def file(self) -> str:
        """Name its schema's file."""
        return f"{self.name}.v{self.version}.json"

    @property
    def event_type(self) -> str:
        """Give the CloudEvents type of usage."""
        return f"{TYPE_PREFIX}{self.service}.v{self.version}"


def _usage(service: str) -> Message:
    return Message(f"usage.{service}", 1, (f"usage.{service}",), "in", ACCOUNT_KEY, DATA_TYPES[service], service)


def _command(name: str, topics: tuple[str, ...], definition: Any) -> Message:
    return Message(f"command.{name}", 1, topics, "in", ACCOUNT_KEY, definition)


def _of_codes(name: str, definition: Any) -> Message:
    return Message(f"command.{name}", 1, (CODE_COMMANDS,), "in", CODE_KEY, definition)


def _output(name: str, topic: str, definition: Any) -> Message:
    return Message(name, 1, (topic,), "out", ACCOUNT_KEY, definition)


_BOTH = (PLAN_COMMANDS, WALLET_COMMANDS)
MESSAGES: tuple[Message, ...] = (
    *(_usage(service) for service in (GPU_CONTAINER, FINE_TUNING, INFERENCE)),
    _command("open_account", _BOTH, commands.OpenAccountMessage),
    _command("activate_plan", (PLAN_COMMANDS,), commands.ActivatePlanMessage),
    _command("request_plan", (PLAN_COMMANDS,), plan_commands.RequestPlanMessage),
    _command("draft_plan", (PLAN_COMMANDS,), plan_commands.DraftPlanMessage),
    _command("offer_plan", (PLAN_COMMANDS,), plan_commands.OfferPlanMessage),
    _command("confirm_plan", (PLAN_COMMANDS,), plan_commands.ConfirmPlanMessage),
    _command("record_payment", (PLAN_COMMANDS,), plan_commands.RecordPaymentMessage),
    _command("pause_plan", (PLAN_COMMANDS,), plan_commands.PausePlanMessage),
    _command("resume_plan", (PLAN_COMMANDS,), plan_commands.ResumePlanMessage),
    _command("cancel_plan", (PLAN_COMMANDS,), plan_commands.CancelPlanMessage),
    _command("renew_plan", (PLAN_COMMANDS,), plan_commands.RenewPlanMessage),
    _command("set_renewal", (PLAN_COMMANDS,), plan_commands.SetRenewalMessage),
    _command("replay_usage", (PLAN_COMMANDS,), commands.ReplayUsageMessage),
    _command("timer", _BOTH, commands.TimerMessage),
    _command("grant_voucher", (WALLET_COMMANDS,), wallet_commands.GrantVoucherMessage),
    _command("top_up", (WALLET_COMMANDS,), wallet_commands.TopUpMessage),
    _command("adjust", (WALLET_COMMANDS,), wallet_commands.AdjustMessage),
    _command("set_debt_limit", (WALLET_COMMANDS,), wallet_commands.SetDebtLimitMessage),
    _command("redeem_code", (WALLET_COMMANDS,), redeeming.RedeemCodeMessage),
    _command("code_answer", (WALLET_COMMANDS,), redeeming.CodeAnswerMessage),
    _of_codes("issue_code", code_commands.IssueCodeMessage),
    _of_codes("withdraw_code", code_commands.WithdrawCodeMessage),
    _of_codes("claim_code", redeeming.ClaimCodeMessage),
    _of_codes("settle_code", redeeming.SettleCodeMessage),
    _output("charge", CHARGES, ChargeMessage),
    _output("wallet-charge", CHARGES, WalletChargeMessage),
    _output("overage", CREDIT_CHARGING, OverageMessage),
    _output("account-event", ACCOUNT_EVENTS, AccountEventMessage),
    Message("price-book", 1, (PRICES,), "in", "name:version", PriceBookMessage),
)
