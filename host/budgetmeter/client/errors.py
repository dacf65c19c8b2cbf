"""What can go wrong between a client and a meter.

MeterError
├── LineError             the port cannot be opened, or broke
├── NoAnswer              nothing came, however often it was asked
├── BadAnswer             the meter could not serve the request
└── TokenRefused          with status, reason, number and balance
    ├── FormatFailure
    ├── AuthenticationFailure
    │   └── LockedOut     a wrong tag, or too soon after one; says for how long
    ├── ValidationFailure
    │   └── TokenUsed     taken before
    └── ExecutionFailure
"""

# The checker takes a code for the tuple it is declared with:
# pyright: reportUnnecessaryComparison=false

from decimal import Decimal

from meterproto.codes import MessageError, Result, TokenReason, TokenStatus

from budgetmeter.errors import BudgetmeterError


class MeterError(BudgetmeterError):
    """Base of what a client raises. The message is one clear line."""


class LineError(MeterError):
    """The port cannot be opened, or broke."""


class NoAnswer(MeterError):
    """No answer came in time. A token may have been taken; entering it again is safe."""


class BadAnswer(MeterError):
    """The meter could not serve the request, or answered something else.

    :ivar code: `meterproto.codes.MessageError` of a request it could not serve; None otherwise
    """

    code: MessageError | None = None


class TokenRefused(MeterError):
    """The meter did not take a token; its account has not changed.

    :ivar status: `meterproto.codes.TokenStatus`
    :ivar reason: reason code: `meterproto.codes.TokenReason`, or 64 plus a `Result`
    :ivar number: the token's number, 0 when it could not be read
    :ivar balance: the balance, EUR
    """

    def __init__(self, status: int, reason: int, number: int, balance: Decimal) -> None:
        super().__init__(f"token refused: {explain(reason)}")
        self.status = TokenStatus(status)
        self.reason = reason
        self.number = number
        self.balance = balance


class FormatFailure(TokenRefused):
    """No token, mistyped, or of a kind this meter does not know."""


class AuthenticationFailure(TokenRefused):
    """Key revision unknown, tag wrong, or locked out."""


class LockedOut(AuthenticationFailure):
    """Locked out after wrong tags. The meter takes a genuine token all the same, one try a second.

    :ivar locked_s: seconds until a wrong token counts again; None where the meter did not answer
    """

    locked_s: int | None = None

    def lasts(self, locked_s: int) -> None:
        """Note how long the lock-out still lasts; the message says it from now on."""
        self.locked_s = locked_s
        self.args = (f"{self.args[0]}; {locked_s} s left",)


class ValidationFailure(TokenRefused):
    """Not for this meter, expired, too old, or taken before."""


class TokenUsed(ValidationFailure):
    """Taken before. On a line that duplicates what is sent, perhaps by this very call."""


class ExecutionFailure(TokenRefused):
    """Refused by a rule, or could not be stored; the token is not spent."""


_BY_STATUS: dict[int, type[TokenRefused]] = {
    TokenStatus.FORMAT_FAILURE: FormatFailure,
    TokenStatus.AUTHENTICATION_FAILURE: AuthenticationFailure,
    TokenStatus.VALIDATION_FAILURE: ValidationFailure,
    TokenStatus.EXECUTION_FAILURE: ExecutionFailure,
}

_BY_REASON: dict[int, type[TokenRefused]] = {
    TokenReason.USED: TokenUsed,
    TokenReason.LOCKED: LockedOut,
}


def refusal(status: int, reason: int, number: int, balance: Decimal) -> TokenRefused:
    """The exception for a meter's answer to a token."""
    kind = _BY_REASON.get(reason) or _BY_STATUS[status]
    return kind(status, reason, number, balance)


def explain(reason: int) -> str:
    """A reason code in words."""
    try:
        if reason >= TokenReason.RESULT:
            return Result(reason - TokenReason.RESULT).meaning
        return TokenReason(reason).meaning
    except ValueError:  # of a later firmware
        return f"reason {reason}"
