"""What a model costs. The table is `prices.yaml`, dated; a price in artists.yaml comes before it.

Sums of money are whole pico-dollars (1e-12 USD): additions are exact, so a budget is, too.
"""

import functools
import math
import re
from dataclasses import dataclass
from pathlib import Path

from curate import safeyaml
from curate.config import LlmOptions, Price
from curate.errors import ConfigError

FILE = Path(__file__).with_name("prices.yaml")
PICO = 10**12
"""Pico-dollars in a dollar."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one token costs, in pico-dollars.

    Attributes:
        input: Of what is sent.
        output: Of what comes back.
    """

    input: int
    output: int

    def cost(self, input_tokens: int, output_tokens: int) -> int:
        """Of a request, in pico-dollars."""
        return input_tokens * self.input + output_tokens * self.output


def rate(options: LlmOptions) -> Rate | None:
    """What a token costs; by the Batch API half of it. None if nobody knows.

    The table is OpenAI's, so it says nothing of what other servers ask for a model of one name.
    """
    price = options.price
    if price is None and options.base_url is None:
        price = _table().get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", options.model))
    if price is None:
        return None
    share = 0.5 if options.batch else 1.0
    return Rate(*(math.ceil(usd * share * PICO / 1e6) for usd in (price.input, price.output)))


def budget(options: LlmOptions) -> int | None:
    """The budget in pico-dollars; None is no limit.

    Raises:
        ConfigError: There is a budget, and no price to hold against it.
    """
    if options.budget_usd is None:
        return None
    if rate(options) is None:
        raise ConfigError(
            f"captions.llm: budget_usd {options.budget_usd:g} needs a price, and that of "
            f"'{options.model}' is not known here; add `price: {{input: USD, output: USD}}` per "
            "million tokens (0 for a server of your own), or leave budget_usd out"
        )
    return math.floor(options.budget_usd * PICO)


def usd(pico: int) -> float:
    """Pico-dollars as dollars."""
    return pico / PICO


@functools.cache
def _table() -> dict[str, Price]:
    models = safeyaml.load(FILE).value["models"]
    return {name: Price(float(pair[0]), float(pair[1])) for name, pair in models.items()}
