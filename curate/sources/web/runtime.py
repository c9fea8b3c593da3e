"""Whether there is a JavaScript runtime: YouTube's pages cannot be read without one."""

from curate.sources.web.faults import REMEDIES
from curate.sources.web.settings import RUNTIMES

REMEDY = REMEDIES["no_javascript"]
"""What to do where there is none."""


def javascript_runtime() -> str:
    """Name and version of the one that yt-dlp uses, "" where it finds none that is new enough."""
    from yt_dlp.globals import supported_js_runtimes

    for name in RUNTIMES:
        kind = supported_js_runtimes.value.get(name)
        found = kind().info if kind else None
        if found is not None and found.supported:
            return f"{found.name} {found.version}"
    return ""
