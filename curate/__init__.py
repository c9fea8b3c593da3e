"""Turns a list of artists into a validated text-to-music dataset in audiocraft's own format.

    import curate
    result = curate.build("datasets/demo/artists.yaml")
    dataset = curate.load(result.out)
    report = curate.validate(result.out)

`import curate` is cheap: what is heavy is imported where it is used. torch never is.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.api import build, load, plan, relocate, validate

__all__ = ["build", "load", "plan", "relocate", "validate"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from curate import api

        return getattr(api, name)
    raise AttributeError(f"module 'curate' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
