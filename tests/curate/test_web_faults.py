"""yt-dlp's errors as codes: by their kind, by HTTP status, by the words that sites really use."""

import email.utils
import time

import pytest
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, ProxyError, TransportError
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    RegexNotFoundError,
    UnsupportedError,
    UserNotLive,
)

from curate.sources.web import faults
from curate.sources.web.asker import Silent

LOGIN = (
    "Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp"
    "/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)

WORDS = [
    # YouTube: what its player says (extractor/youtube/_video.py and threads of yt-dlp's tracker)
    ("bot_check", f"Sign in to confirm you’re not a bot. {LOGIN}"),
    ("bot_check", f"Sign in to confirm you're not a bot. {LOGIN}"),
    ("bot_check", "Video unavailable. YouTube is requiring a captcha challenge before playback"),
    (
        "rate_limited",
        "Video unavailable. This content isn't available, try again later. The current session has "
        "been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to",
    ),
    ("private", f"Private video. Sign in if you've been granted access to this video. {LOGIN}"),
    ("private", f"Sign in to confirm your age. This video may be inappropriate. {LOGIN}"),
    ("private", "This video is age-restricted and only available on YouTube"),
    ("removed", "Video unavailable. This video has been removed by the uploader"),
    ("removed", "Video unavailable"),
    ("removed", "This video is not available"),
    (
        "removed",
        "Video unavailable. This video is no longer available because the YouTube account "
        "associated with this video has been terminated.",
    ),
    (
        "removed",
        "This video has been removed for violating YouTube's policy on harassment and bullying",
    ),
    (
        "removed",
        "Video unavailable. This video is no longer available due to a copyright claim by X",
    ),
    (
        "geo_blocked",
        "Video unavailable. This video contains content from SME, who has blocked it in your "
        "country on copyright grounds",
    ),
    ("geo_blocked", "The uploader has not made this video available in your country"),
    (
        "members_only",
        "Join this channel to get access to members-only content like this video, and other "
        "exclusive perks.",
    ),
    (
        "members_only",
        "This video is available to this channel's members on level: Fan (or any higher level). "
        "Join this channel to get access to members-only content and other exclusive perks.",
    ),
    ("members_only", "This video is only available to Music Premium members"),
    ("members_only", "This video requires payment to watch"),
    ("live", "Premieres in 12 hours"),
    ("live", "Premiere will begin shortly"),
    ("live", "This live event will begin in 3 days."),
    ("live", "This live event has ended."),
    ("no_audio", "This video is DRM protected"),
    ("no_audio", "Requested format is not available. Use --list-formats for a list of available"),
    ("no_audio", "No video formats found!"),
    ("network", "The page needs to be reloaded."),
    # other sites
    ("rate_limited", "You have exceeded the rate limit. Try again later"),
    ("bot_check", "Request is rejected by server (352)"),
    (
        "bot_check",
        "Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with  "
        '--extractor-args "generic:impersonate"',
    ),
    ("private", f"This video is only available for registered users. {LOGIN}"),
    ("private", "This track is private"),
    ("private", "Wrong video password"),
    ("private", "This is a private playlist. You need to login as its owner"),
    ("members_only", "This video is for premium members only. Use --cookies"),
    ("members_only", "This is a supporter-only video: fans of it"),
    ("members_only", "This content is only available for subscribers"),
    ("geo_blocked", "This video is not available from your location due to geo restriction"),
    ("geo_blocked", "The requested content is not available in your region"),
    ("live", "This live event is scheduled for 2026-12-01"),
    ("live", "The channel is not currently live"),
    ("removed", "Song has been removed from the site"),
    ("removed", "Playlist is no longer available"),
    ("removed", "The video is no longer available"),
    ("removed", "This video does not exist"),
    ("no_audio", "The page doesn't contain any tracks"),
    ("unsupported", "something nobody has ever said"),
    # yt-dlp's downloaders
    ("network", "\r[download] Got error: 65536 bytes read, 199108 more expected"),
    ("network", "\r[download] Got error: The read operation timed out"),
    ("network", "fragment 3 not found, unable to continue"),
    ("no_audio", "Did not get any data blocks"),
    ("no_audio", "This format is DRM protected; Try selecting another format with --format or"),
    ("unsupported", "m3u8 download detected but ffmpeg could not be found. Please install"),
]


def raised(error: Exception, words: str = "") -> DownloadError:
    """An error as YoutubeDL passes it on."""
    try:
        raise error
    except Exception as caught:
        import sys

        return DownloadError(f"ERROR: {words or caught}", sys.exc_info())


def answer(status: int) -> HTTPError:
    import io

    return HTTPError(Response(io.BytesIO(b""), "http://127.0.0.1/", {}, status, "Words"))


@pytest.mark.parametrize(("code", "words"), WORDS)
def test_words(code: str, words: str) -> None:
    error = ExtractorError(words, expected=True, video_id="abc", ie="youtube")
    found = faults.sort(raised(error), None, {})
    assert (found.code, words) == (code, words)
    assert found.reason.endswith(faults.REMEDIES[code])
    assert faults.sort(DownloadError(f"ERROR: {words}", (None, None, None)), None, {}).code in (
        code,
        "unexpected",
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("geo_blocked", GeoRestrictedError("Not here", countries=["JP"])),
        ("unsupported", UnsupportedError("https://example.org/")),
        ("live", UserNotLive()),
        ("network", ExtractorError("Unable to download webpage", cause=TransportError("reset"))),
        ("network", IncompleteRead(10, 20)),
        ("network", ProxyError("refused")),
        ("network", ContentTooShortError(1, 2)),
        ("unexpected", RegexNotFoundError("Unable to extract title")),
        ("unexpected", KeyError("videoDetails")),
    ],
)
def test_kinds(code: str, error: Exception) -> None:
    assert faults.sort(raised(error), None, {}).code == code
    assert faults.sort(error, None, {}).code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "unsupported"),
        (401, "private"),
        (403, "private"),
        (404, "removed"),
        (408, "network"),
        (410, "removed"),
        (418, "unsupported"),
        (429, "rate_limited"),
        (451, "geo_blocked"),
        (500, "network"),
        (502, "network"),
        (503, "network"),
    ],
)
def test_statuses(status: int, code: str) -> None:
    wrapped = ExtractorError("Unable to download webpage", cause=answer(status))
    for error in (raised(wrapped), raised(answer(status)), answer(status)):
        assert faults.sort(error, status, {}).code == code
    told = DownloadError(f"ERROR: [download] Got error: HTTP Error {status}: X", (None,) * 3)
    assert faults.sort(told, status, {}).code == code


def test_an_earlier_answer_is_not_blamed() -> None:
    """Some extractors try several addresses; one that failed says nothing of the whole."""
    gone = ExtractorError("Video unavailable. This video is private", expected=True)
    assert faults.sort(raised(gone), 500, {"Retry-After": "9"}).code == "private"


def test_how_long_to_wait() -> None:
    later = email.utils.formatdate(time.time() + 100.5, usegmt=True)
    assert faults.sort(answer(429), 429, {"Retry-After": "3"}).wait_s == 3.0
    wait_s = faults.sort(answer(503), 503, {"Retry-After": later}).wait_s
    assert wait_s == pytest.approx(100, abs=2)
    assert faults.sort(answer(500), 500, {"Retry-After": "3"}).wait_s is None
    assert faults.sort(answer(404), 404, {"Retry-After": "3"}).wait_s is None
    for odd in ("", "soon", "-5", "NaN", "1e9", "9" * 30, "Mon, 99 Foo 9999 99:99:99 GMT"):
        assert faults.asked_wait({"Retry-After": odd}) is None
    past = email.utils.formatdate(time.time() - 100, usegmt=True)
    assert faults.asked_wait({"Retry-After": past}) == 0.0


def test_who_is_left_alone() -> None:
    said = ExtractorError("This content isn't available, try again later", expected=True)
    assert faults.sort(raised(said), None, {}).pause_s == faults.RATE_PAUSE_S
    assert faults.sort(raised(answer(429)), 429, {}).pause_s == 0.0  # tried again first
    bot = ExtractorError("Sign in to confirm you’re not a bot", expected=True)
    assert faults.sort(raised(bot), None, {}).pause_s == faults.BOT_PAUSE_S
    private = ExtractorError("Private video", expected=True)
    assert faults.sort(raised(private), None, {}).pause_s == 0.0


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("ERROR: [youtube] dQw4: Video unavailable", "Video unavailable"),
        ("\x1b[0;31mERROR:\x1b[0m [generic] Gone", "Gone"),
        (
            "Unable to extract x; please report this issue on  https://github.com/yt-dlp/yt-dlp/",
            "Unable to extract x",
        ),
        ("Private. Use --cookies, --username and --password to provide", "Private"),
        ("Unable to load (caused by <HTTPError 404: x>)", "Unable to load"),
        ("a\nb\tc\x00d", "a b c d"),
        ("", "ValueError"),
        ("See https://x.org/a?token=abc", "ValueError"),
        (
            "HTTPConnectionPool(host='x', port=1): Max retries exceeded with url: /a?token=abc&b=1",
            "HTTPConnectionPool(host='x', port=1): Max retries exceeded with url: /a?token=...&b=1",
        ),
        ("no proxy http://me:pass@host:1/", "no proxy http://...@host:1/"),
    ],
)
def test_plain_words(words: str, plain: str) -> None:
    assert faults.plain(ValueError(words)) == plain


def test_a_reason_is_short() -> None:
    fault = faults.sort(ValueError("x " * 10_000), None, {})
    assert len(fault.reason) < 400


def test_every_code_has_a_remedy() -> None:
    codes = {code for code, _ in WORDS} | set(faults.PASSING)
    codes |= {code for code, _ in faults._WORDS} | set(faults._STATUS.values())
    assert codes <= set(faults.REMEDIES)


def test_yt_dlps_own_words_go_to_the_log_only(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for say in (Silent().debug, Silent().warning, Silent().error):
        say("asking http://127.0.0.1/?token=abc")
    assert capfd.readouterr() == ("", "")
    assert caplog.text.count("token=...") == 3
