"""The errors a user can act on. Everything else is a bug and shows its traceback."""


class CurateError(Exception):
    """Base of the errors that end a command with a message instead of a traceback."""


class ConfigError(CurateError):
    """artists.yaml or an option is wrong; the message names place, value, expectation, remedy."""


class AudioError(Exception):
    """An audio file cannot be used.

    Attributes:
        code: Rejection code.
        reason: One sentence for the user.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)  # both, so that it survives the way between processes
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"
