"""Running one model file on arrays: a TensorFlow graph by Essentia, an `.onnx` by onnxruntime.

A session is made once and kept. Both runtimes get a single thread, because processes are the
parallelism, and print nothing, because their exceptions say it all.
"""

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from curate.labels.essentia import algorithms
from curate.labels.models.mel import Array


class Unfit(Exception):
    """A model file that cannot be used; says what is wrong with it, without its name."""


class Session(Protocol):
    """A model, ready to run."""

    def run(self, given: Array) -> tuple[Array, ...]:
        """Runs it on [n, ...]; gives [n, width] for each of its outputs.

        Raises:
            Unfit: It does not take such an array.
        """
        ...


class Graph:
    """A TensorFlow graph.

    Essentia's own predicting algorithms make a new session for every call; its plain
    `TensorflowPredict` keeps one.

    Args:
        path: Of the `.pb`.
        takes: Node of the input.
        gives: Nodes of the outputs.
        squeeze: Whether the graph knows no axes of length 1 after the first, as nearly all;
            Essentia's own tensors have four.

    Raises:
        Unfit: It is no graph, or has no such nodes.
    """

    def __init__(
        self, path: Path, takes: str, gives: tuple[str, ...], *, squeeze: bool = True
    ) -> None:
        if not path.is_file():  # a folder would crash Essentia
            raise Unfit("is not a file")
        predict = algorithms().TensorflowPredict
        from essentia import Pool

        self._pool, self._takes, self._gives = Pool, takes, gives
        try:
            self._predict = predict(
                graphFilename=str(path), inputs=[takes], outputs=list(gives), squeeze=squeeze
            )
        except RuntimeError as error:
            raise Unfit(f"cannot be read as a TensorFlow model: {_first(error)}") from None

    def run(self, given: Array) -> tuple[Array, ...]:
        """See `Session`."""
        four_axes = given.reshape(len(given), *(1,) * (4 - given.ndim), *given.shape[1:])
        pool = self._pool()
        pool.set(self._takes, np.ascontiguousarray(four_axes, np.float32))
        try:
            found = self._predict(pool)
        except RuntimeError as error:
            raise Unfit(f"does not run: {_first(error)}") from None
        return tuple(np.array(found[name][:, 0, 0], np.float32) for name in self._gives)


class Onnx:
    """An `.onnx` file; see `Graph` for the arguments.

    Raises:
        Unfit: It is no model, has no such nodes, or onnxruntime is not installed.
    """

    def __init__(self, path: Path, takes: str, gives: tuple[str, ...]) -> None:
        self._takes, self._gives = takes, list(gives)
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own have no common base
            raise Unfit(f"cannot be read as an ONNX model: {_first(error)}") from None
        inputs = [node.name for node in self._session.get_inputs()]
        outputs = [node.name for node in self._session.get_outputs()]
        if inputs != [takes] or not set(gives) <= set(outputs):
            raise Unfit(
                f"takes {', '.join(inputs)} and gives {', '.join(outputs)}, expected "
                f"{takes} and {', '.join(gives)}"
            )

    def run(self, given: Array) -> tuple[Array, ...]:
        """See `Session`."""
        try:
            found = self._session.run(self._gives, {self._takes: np.ascontiguousarray(given)})
        except Exception as error:  # onnxruntime's own have no common base
            raise Unfit(f"does not run: {_first(error)}") from None
        return tuple(np.asarray(values, np.float32) for values in found)


@functools.cache
def _runtime() -> Any:
    """The module onnxruntime, imported late and quietly."""
    try:
        with _no_stderr():  # it warns of graphics cards that it cannot look at
            import onnxruntime
    except ImportError as error:
        raise Unfit(f"needs onnxruntime ({error}); install `musicgen-curate[onnx]`") from None
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """What is written to file descriptor 2 meanwhile goes nowhere, also what C++ writes."""
    with Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _first(error: Exception) -> str:
    """The gist of a runtime's message, on one line."""
    text = " ".join(str(error).split())
    for preamble in (
        r"^(Error while configuring|In) TensorflowPredict.*?: TensorflowPredict: ",
        r"^\[ONNXRuntimeError\] : \d+ : \w+ : ",
        r"^Load model .* failed:",
    ):
        text = re.sub(preamble, "", text)
    return text.partition(" TensorflowPredict: ")[0].rstrip(".")[:300]
