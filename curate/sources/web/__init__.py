"""The web as a source: whatever yt-dlp can read.

`source.Web` is the source; below it `listing` (what an address lists), `downloading` (one
recording), `hosts` (pauses and retries), `faults` (errors as codes), `addresses` (redaction and the
guard), `about` (origin and labels), `settings` (yt-dlp's options) and `asker` (yt-dlp itself, which
nothing else imports before it is needed).
"""

from curate.sources.web.runtime import REMEDY, javascript_runtime
from curate.sources.web.source import Web, info_key, key_of

__all__ = ("REMEDY", "Web", "info_key", "javascript_runtime", "key_of")
