"""The `.json` beside each model, with the fields and the slips of the official ones.

Slips a reader has to live with, all in the official files: `mtg_jamendo_top50tags` tells a shape of
56 for its 50 classes, `voice_instrumental` and `danceability` an input of 1200 for embeddings of
1280, and `discogs-effnet-bsdynamic-1.json` describes an ONNX file by TensorFlow's node names, while
every official ONNX file calls its input `melspectrogram` or `embeddings` and its outputs
`activations` and `embeddings`.
"""

from collections.abc import Sequence
from typing import Any

SITE = "https://essentia.upf.edu/models"
EFFNET, MUSICNN = "discogs-effnet-bs64-1", "msd-musicnn-1"

Json = dict[str, Any]

_EMBEDDERS = {
    EFFNET: ("TensorflowPredictEffnetDiscogs", "music-style-classification/discogs-effnet"),
    MUSICNN: ("TensorflowPredictMusiCNN", "feature-extractors/musicnn"),
}


def end(name: str, shape: Sequence[int | str], op: str = "", purpose: str | None = None) -> Json:
    """An input of a model, or with a purpose an output."""
    told: Json = {"name": name, "type": "float", "shape": list(shape)}
    return told if purpose is None else told | {"op": op, "output_purpose": purpose}


def sidecar(
    stem: str,
    folder: str,
    title: str,
    classes: Sequence[str],
    ends: tuple[Json, Sequence[Json]],
    *,
    version: str = "1",
    algorithm: str = "TensorflowPredict2D",
    sample_rate: int = 16000,
    embedder: str = "",
) -> Json:
    """What stands in the `.json` of a model: `ends` are its input and its outputs."""
    inference: Json = {"sample_rate": sample_rate, "algorithm": algorithm}
    if embedder:
        method, place = _EMBEDDERS[embedder]
        inference["embedding_model"] = {
            "algorithm": method,
            "model_name": embedder,
            "link": f"{SITE}/{place}/{embedder}.pb",
        }
    return {
        "name": title,
        "type": "stand-in",
        "link": f"{SITE}/{folder}/{stem}.pb",
        "version": version,
        "description": "not the official model: a stand-in with its format, for tests",
        "author": "tests/standins",
        "framework": "tensorflow",
        "framework_version": "2.8.0",
        "classes": list(classes),
        "model_types": ["frozen_model"],
        "dataset": {"name": "none"},
        "schema": {"inputs": [ends[0]], "outputs": list(ends[1])},
        "citation": "",
        "inference": inference,
    }
