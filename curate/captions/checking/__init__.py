"""Whether a caption says only what the labels say."""

from curate.captions.checking.checker import Checker
from curate.captions.checking.fault import Fault

__all__ = ["Checker", "Fault"]
