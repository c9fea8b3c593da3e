"""Essentia, imported once, late and quietly.

Importing it takes a second and 240 MB and TensorFlow talks a lot, so only workers do it, and with
the environment set that must be set before.
"""

import functools
import os
from typing import Any


@functools.cache
def algorithms() -> Any:
    """The module `essentia.standard`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    # TensorFlow asks the system anew for every large array unless told otherwise: a quarter of
    # discogs-effnet's time.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # this TensorFlow crashes with it
    import essentia

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    import essentia.standard as standard

    return standard
