"""A wallet while one input is applied: collects the outputs and numbers them."""

from msgspec.structs import replace

from drawdown.domain.events import digest_of
from drawdown.domain.limits import WALLET_PAST_MAX
from drawdown.domain.outputs import AccountEvent, Period
from drawdown.domain.wallet.model import OverageDue, Payment, Wallet, WalletCharge, WalletDecision, WalletOutput


class Draft:
    """The wallet's next state in the making."""

    __slots__ = ("_seq_charges", "_seq_events", "applied", "campaigns", "debt", "debt_limit", "hour", "low_told",
                 "outputs", "overage_seq", "past", "redemptions", "spending", "top_ups", "tries", "vouchers",
                 "wallet")  # fmt: skip

    def __init__(self, wallet: Wallet) -> None:
        """Begin an input: it takes the next `applied` number."""
        self.wallet = wallet
        self.applied = wallet.applied + 1
        self.overage_seq = wallet.overage_seq
        self.debt = wallet.debt
        self.vouchers = wallet.vouchers
        self.top_ups = wallet.top_ups
        self.past = wallet.past
        self.tries = wallet.tries
        self.redemptions = wallet.redemptions
        self.campaigns = wallet.campaigns
        self.debt_limit = wallet.debt_limit
        self.hour = wallet.hour
        self.spending = wallet.spending
        self.low_told = wallet.low_told
        self.outputs: list[WalletOutput] = []
        self._seq_charges = wallet.seq_charges
        self._seq_events = wallet.seq_events

    def charge(self, due: OverageDue, payments: list[Payment]) -> None:
        """Emit who paid an overage."""
        self._seq_charges += 1
        self.outputs.append(WalletCharge(due, tuple(payments), self._seq_charges, self.applied))

    def event(
        self,
        kind: str,
        detail: str,
        *,
        credit: str | None = None,
        code: str = "",
        reason: str = "",
        amount: int = 0,
        about: Period | None = None,
    ) -> None:
        """Emit an account event. amount: signed quanta."""
        self._seq_events += 1
        wallet = self.wallet
        self.outputs.append(
            AccountEvent(
                wallet.id,
                kind,
                None,
                code,
                detail,
                reason,
                amount,
                wallet.currency,
                self._seq_events,
                self.applied,
                credit,
                about,
            )
        )

    def known(self, ident: str) -> bool:
        """Say whether a voucher, top-up or adjustment of this id was taken before."""
        return digest_of(ident) in self.past

    def remember(self, ident: str) -> None:
        """Keep an id, the oldest ones going first past WALLET_PAST_MAX."""
        self.past = (*self.past, digest_of(ident))[-WALLET_PAST_MAX:]

    def decision(self) -> WalletDecision:
        """End the input."""
        state = replace(
            self.wallet,
            applied=self.applied,
            seq_charges=self._seq_charges,
            seq_events=self._seq_events,
            overage_seq=self.overage_seq,
            debt=self.debt,
            vouchers=self.vouchers,
            top_ups=self.top_ups,
            past=self.past,
            tries=self.tries,
            redemptions=self.redemptions,
            campaigns=self.campaigns,
            debt_limit=self.debt_limit,
            hour=self.hour,
            spending=self.spending,
            low_told=self.low_told,
        )
        return WalletDecision(state, tuple(self.outputs))
