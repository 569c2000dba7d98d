"""Short ways to say codes, claims and answers in tests."""

import hashlib

from msgspec.structs import replace
from tests.support.messages import T0, Message, written
from tests.support.wallet import EXPIRES, part

from drawdown.domain.codes.model import Code
from drawdown.domain.wallet.model import ClaimCode, CodeAnswer, CodeTerms
from drawdown.engine.records import Record
from drawdown.topics import CODE_COMMANDS
from drawdown.wire.code_commands import hash_of

TEXT = "AB12CD34EF"
CODE = hashlib.sha256(TEXT.encode()).hexdigest()
TERMS = CodeTerms("spring", "USD", 100, (part("10"),), EXPIRES, None, 1)


def issued(opens: int | None = None, closes: int | None = None, **terms: object) -> Code:
    return Code(CODE, replace(TERMS, **terms), opens, closes)


def claim(account: str = "a", redemption: str = "r", at: int = 50) -> ClaimCode:
    return ClaimCode(CODE, account, redemption, at)


def answer(redemption: str = "r", refused: str = "", **terms: object) -> CodeAnswer:
    return CodeAnswer("acc", redemption, CODE, refused, None if refused else replace(TERMS, **terms))


def issue_code(text: str = TEXT, **change: object) -> Message:
    code = hash_of(text)
    told = {"command": "issue_code", "version": 1, "id": f"issue-{code[:8]}", "code": code, "campaign": "spring"}
    return told | {"currency": "USD", "amount": "10", "valid_seconds": 86_400} | change


def redeem_code(account: str, text: str = TEXT, redemption: str = "r") -> Message:
    told = {"command": "redeem_code", "version": 1, "id": f"redeem-{redemption}", "account": account}
    return told | {"redemption": redemption, "code": hash_of(text)}


def code_record(message: Message, at: int = T0, offset: int = 7) -> Record:
    return Record(CODE_COMMANDS, 3, offset, at, str(message["code"]).encode(), written(message))
