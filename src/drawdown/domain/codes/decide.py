"""`decide_code`: what one input does to one code. No clock, no I/O, no randomness."""

from msgspec.structs import replace

from drawdown.domain.codes.model import Claim, Code, CodeCommand, CodeDecision, IssueCode, WithdrawCode
from drawdown.domain.errors import Reject
from drawdown.domain.wallet.model import ClaimCode, CodeAnswer


def decide_code(state: Code | None, body: CodeCommand) -> CodeDecision | None:
    """Apply an input to the code. Raise Reject with the reason, and nothing changes.

    Give None for a settlement of a claim that does not stand. The detail of a refusal never tells the hash.
    """
    if isinstance(body, ClaimCode):
        return _claim(state, body)
    if isinstance(body, IssueCode):
        if state is not None:
            raise Reject("id_conflict", "this code was issued before: draw another one")
        return CodeDecision(Code(body.code, body.terms, body.opens, body.closes))
    if isinstance(body, WithdrawCode):
        if state is None:
            raise Reject("invalid_value", "no such code was issued: check it, letter by letter")
        return CodeDecision(replace(state, withdrawn=True))
    claim = state.claim if state is not None else None
    if state is None or claim is None or claim.granted:
        return None
    if (claim.account, claim.redemption) != (body.account, body.redemption):
        return None
    return CodeDecision(replace(state, claim=replace(claim, granted=True) if body.granted else None))


def _claim(state: Code | None, claim: ClaimCode) -> CodeDecision:
    """Give the code to the first that asks in its time; the same redemption asking again gets the same answer."""
    refused = _refused(state, claim)
    if refused or state is None:
        return CodeDecision(None, CodeAnswer(claim.account, claim.redemption, claim.code, refused, None))
    taken = state.claim or Claim(claim.account, claim.redemption, claim.at)
    answer = CodeAnswer(claim.account, claim.redemption, claim.code, "", state.terms)
    return CodeDecision(replace(state, claim=taken), answer)


def _refused(state: Code | None, claim: ClaimCode) -> str:
    if state is None:
        return "wrong_code"
    held = state.claim
    if held is not None:
        return "" if (held.account, held.redemption) == (claim.account, claim.redemption) else "code_used"
    if state.withdrawn:
        return "code_withdrawn"
    if state.opens is not None and claim.at < state.opens:
        return "code_not_yet_valid"
    if state.closes is not None and claim.at >= state.closes:
        return "code_expired"
    return ""
