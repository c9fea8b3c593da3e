"""The server: one request, one answer, by the openai client.

Nothing but the request and its key leaves: other OPENAI_* variables of the environment (address,
headers) are not heeded, redirects are not followed. What comes back is bounded in size and time.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curate.captions.llm import trouble
from curate.captions.llm.answers import Answer
from curate.captions.llm.prompting import OPENAI, Payload, schema
from curate.captions.llm.trouble import Kind, Refusal, Trouble
from curate.config import LlmOptions
from curate.errors import ConfigError

if TYPE_CHECKING:
    import httpx2
    import openai

MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
"""Most that is read of an answer, and of a batch's file of answers."""

_TEXT_LENGTH = 50_000
_LEAVING = {
    *("host", "accept", "connection", "user-agent"),
    *("content-type", "content-length", "transfer-encoding"),
}
_OPENAI_ONLY = {"openai-organization", "openai-project"}
_LIMITS = ("max_completion_tokens", "max_tokens")
_SCHEMA_STATUS = (400, 404, 422, 500, 501)
_SCHEMA_WORDS = (
    *("response_format", "json_schema", "minItems", "maxItems"),
    *("structured output", "guided"),
)
_LOGGERS = (
    *("openai._base_client", "httpx2", "httpcore2.connection", "httpcore2.proxy"),
    *("httpcore2.http11", "httpcore2.http2"),
)
"""Those of the client and its transport; what they log at DEBUG has the headers that came."""

_UNKNOWN = re.compile(
    r"(?i)unsupported|not supported|unknown|unrecogni|extra|not permitted|instead"
)


@dataclass(frozen=True, slots=True)
class Form:
    """How requests are put.

    Attributes:
        structured: Whether the schema goes along.
        limit: What the server calls the longest answer. OpenAI's newer models refuse `max_tokens`,
            other servers do not know, or ignore, `max_completion_tokens`.
    """

    structured: bool
    limit: str


class Server:
    """A server that speaks chat completions.

    Args:
        options: Its address, the model, the time limit.
        key: Sent to it; "" if there is none.

    Attributes:
        name: Its host, for people.
        form: How requests are put now.
        sent: Requests for captions that went out, retries included.
        openai: The client.

    Raises:
        ConfigError: openai is not installed, or the address is none.
    """

    def __init__(self, options: LlmOptions, key: str) -> None:
        self._options = options
        self._key = key
        self._address = address(options)
        self._first = Form(True, _LIMITS[options.base_url is not None])
        self.form = self._first
        self.name = "api.openai.com" if options.base_url is None else urlsplit(self._address).netloc
        self.sent = 0
        self.openai = _connect(options, self._address, key)
        self._redacting = _Redacting(key)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._redacting)

    async def close(self) -> None:
        """Closes its connections."""
        await self.openai.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._redacting)

    def body(self, payload: Payload) -> dict[str, Any]:
        """The request as this server takes it."""
        body: dict[str, Any] = {"model": self._options.model, "messages": list(payload.messages)}
        body[self.form.limit] = self._options.max_tokens
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        if self.form.structured:
            form = {"name": "captions", "strict": True, "schema": schema(payload.variants)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    async def ask(self, payload: Payload) -> Answer:
        """Sends one request, again at once where the server does not know one of its parameters.

        Raises:
            Trouble: There is no answer.
        """
        while True:
            form = self.form
            try:
                return self.answer(await self._post(self.body(payload)))
            except Status as error:
                if trouble.filtered(error.refusal):
                    return Answer(refusal=error.refusal.text[:1000], finish="content_filter")
                if not self.adapt(error.refusal, form):
                    raise self.trouble(error.refusal, error.headers) from None

    def adapt(self, error: Refusal, form: Form) -> bool:
        """Whether a request that was refused in this form would be put otherwise now."""
        first = form.limit == self._first.limit
        misfit = error.about(*_LIMITS) and _UNKNOWN.search(error.text)
        if form.structured and error.status in _SCHEMA_STATUS and error.about(*_SCHEMA_WORDS):
            self.form = replace(self.form, structured=False)
        elif first and misfit and error.status in (400, 422):
            self.form = replace(self.form, limit=_LIMITS[_LIMITS.index(form.limit) - 1])
        return self.form != form

    def trouble(self, error: Refusal, headers: dict[str, str] | None = None) -> Trouble:
        """What to do about an error's status."""
        name = key_name(self._options)
        return trouble.of(error, headers or {}, self.name, self._options.model, name, self._key)

    def answer(self, data: bytes | Any) -> Answer:
        """Takes an answer apart; tokens that the server did not count are None.

        Raises:
            Trouble: It is no chat completion.
        """
        try:
            value = json.loads(data) if isinstance(data, bytes) else data
            choice = value["choices"][0]
            message = choice["message"]
            text, refusal = _content(message.get("content")), message.get("refusal")
            usage = value.get("usage")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            said = data[:500].decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
            raise Trouble(
                Kind.AGAIN,
                f"{self.name} answered with something else than a chat completion: "
                f"{self.shown(said)}",
                free=False,
            ) from None
        return Answer(
            self._clean(text),
            self._clean(refusal) if isinstance(refusal, str) else "",
            str(choice.get("finish_reason") or ""),
            _count(usage, "prompt_tokens"),
            _count(usage, "completion_tokens"),
        )

    def shown(self, text: str) -> str:
        """A server's words, fit to be shown."""
        return trouble.shown(text, self._key)

    @contextlib.asynccontextmanager
    async def speaking(self) -> AsyncIterator[None]:
        """Turns what the openai client raises into `Trouble`, or `Status` for an error's status.

        No exception of the client's goes on: theirs hold the request, and with it the key.
        """
        import httpx2
        import openai

        failed: Exception
        try:
            yield
            return
        except openai.APIStatusError as error:
            body = error.response.content if error.response.is_stream_consumed else b""
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            failed = Status(trouble.refusal(error.status_code, body), headers)
        except (openai.APITimeoutError, TimeoutError) as error:
            unsent = isinstance(error.__cause__, httpx2.ConnectTimeout)
            text = f"{self.name} did not answer within {self._options.timeout_s:g} s"
            failed = Trouble(Kind.AGAIN, text, free=unsent)
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            unsent = isinstance(error.__cause__, httpx2.ConnectError)
            reason = self.shown(str(error.__cause__ or error))
            text = f"{self.name} cannot be reached" if unsent else f"{self.name} broke off"
            failed = Trouble(Kind.AGAIN, f"{text}: {reason}", free=unsent)
        raise failed

    async def _post(self, body: dict[str, Any]) -> bytes:
        self.sent += 1
        completions = self.openai.chat.completions.with_raw_response
        async with self.speaking(), asyncio.timeout(self._options.timeout_s):
            response = await completions.create(**body)
            return response.content

    def _clean(self, text: str) -> str:
        """Bounded, encodable, and without the key that an odd server may send back."""
        text = text[:_TEXT_LENGTH].encode("utf-8", "replace").decode()
        return text.replace(self._key, "***") if self._key else text


class _Redacting(logging.Filter):
    """Takes the key out of what the client logs: a server may send it back in its headers."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if self._key and self._key in said:
            record.msg, record.args = said.replace(self._key, "***"), ()
        return True


class Status(Exception):
    """An answer with an error's status.

    Attributes:
        refusal: What it says.
        headers: By names in lower case.
    """

    def __init__(self, refusal: Refusal, headers: dict[str, str]) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal
        self.headers = headers


def address(options: LlmOptions) -> str:
    """The server's address.

    Raises:
        ConfigError: It is none, or holds a secret; what it holds is not shown.
    """
    given = options.base_url or OPENAI
    try:
        parts = urlsplit(given)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise ConfigError(
            "captions.llm.base_url: no address of a server; write such as http://127.0.0.1:8000/v1"
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"captions.llm.base_url: {parts.hostname}: an address with a password or a query; "
            f"leave it out and put the key into {key_name(options)}"
        )
    return given.rstrip("/")


def key_name(options: LlmOptions) -> str:
    """The environment variable with the server's key.

    OpenAI's key goes to OpenAI only: an artists.yaml of somebody else's may name any server.
    """
    return "OPENAI_API_KEY" if options.base_url is None else "CURATE_LLM_API_KEY"


def _connect(options: LlmOptions, base_url: str, key: str) -> "openai.AsyncOpenAI":
    try:
        import openai
    except ImportError:
        raise ConfigError(
            "captions.llm needs the openai client; install it: pip install openai"
        ) from None
    allowed = _LEAVING | (_OPENAI_ONLY if options.base_url is None else set())

    async def leaving(request: "httpx2.Request") -> None:
        for name in list(request.headers):
            if name.lower() not in allowed and not name.lower().startswith("x-stainless-"):
                del request.headers[name]
        request.headers["Accept-Encoding"] = "identity"
        if key:
            request.headers["Authorization"] = f"Bearer {key}"

    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False,
        trust_env=not _is_here(base_url),
        timeout=options.timeout_s,
        event_hooks={"request": [leaving], "response": [_bound]},
    )
    return openai.AsyncOpenAI(
        api_key=key or "none",
        admin_api_key="",
        webhook_secret="",
        base_url=base_url,
        timeout=options.timeout_s,
        max_retries=0,
        http_client=http,
    )


async def _bound(response: "httpx2.Response") -> None:
    """Replaces the body by one that ends with an error where it grows too large."""
    import httpx2

    most = MAX_FILE_BYTES if response.request.url.path.endswith("/content") else MAX_ANSWER_BYTES
    inner = response.stream

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for part in inner:  # type: ignore[union-attr]
                size += len(part)
                if size > most:
                    raise httpx2.ReadError(f"more than {most} bytes came back")
                yield part

        async def aclose(self) -> None:
            await inner.aclose()  # type: ignore[union-attr]

    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.ReadError("the answer is compressed, though nobody asked for that")
    response.stream = Bounded()


def _is_here(base_url: str) -> bool:
    """Whether a server runs on this machine: no proxy leads there."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _content(content: Any) -> str:
    """The text of a message: a string, or a list of parts as some servers have it."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise TypeError("no text")
    return content or ""


def _count(usage: Any, name: str) -> int | None:
    number = usage.get(name) if isinstance(usage, dict) else None
    sane = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 10**9
    return number if sane else None
