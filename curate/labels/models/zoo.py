"""The models: what each is, where it comes from, what it needs and says.

Those that label audio are in `MODELS`; their weights are Essentia's
(https://essentia.upf.edu/models.html), CC BY-NC-SA 4.0: for non-commercial use, and a dataset that
used them says so. What does anything else is in `OTHERS`. Nothing here is downloaded or loaded;
`curate.labels.models.weights` finds and fetches files, `curate.labels.models.listening` runs them.

Class names are never written here: they are read from the `.json` beside each model, because their
order differs from head to head.
"""

from dataclasses import dataclass
from typing import Literal

BASE = "https://essentia.upf.edu/models/"

DEMUCS = "https://dl.fbaipublicfiles.com/demucs/"

LICENCE = "CC-BY-NC-SA-4.0"

_ISMIR22 = (
    "P. Alonso-Jiménez, X. Serra, D. Bogdanov: Music Representation Learning Based on Editorial "
    "Metadata from Discogs, ISMIR 2022"
)
_ICASSP20 = (
    "P. Alonso-Jiménez, D. Bogdanov, J. Pons, X. Serra: TensorFlow Audio Models in Essentia, "
    "ICASSP 2020"
)
_MTG19 = (
    "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic "
    "Music Tagging, ICML Machine Learning for Music Discovery Workshop 2019"
)
_TEMPO18 = (
    "H. Schreiber, M. Müller: A Single-Step Approach to Musical Tempo Estimation Using a "
    "Convolutional Neural Network, ISMIR 2018"
)

Purpose = Literal["embedding", "words", "pair", "numbers", "tempo", "stems"]
"""What comes out: an embedding; a score a word; two opposite words; numbers; a tempo; sound."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: What it is called, and its files without their extension.
        folder: Folder below `base`.
        kind: Label it gives (a key of `curate.records.LABEL_UNITS`), "" for an embedding.
        purpose: What comes out.
        needs: Name of the embedding it takes, or "" where it takes audio.
        sample_rate: Of the audio it takes in Hz, 0 where it takes an embedding.
        input: Node that takes the input.
        output: Node that gives the result.
        megabytes: Size of the weights, of the `.pb` where there are two.
        citation: Whom to name.
        pinned: Known sha256, by extension. What is not pinned is recorded at the first fetch (the
            `.json` files never: they are edited upstream).
        onnx: Name of the `.onnx` file with the same weights, "" where none is offered. Its nodes
            are `melspectrogram` to `activations` and `embeddings`, or `embeddings` to `activations`
            (what the `.json` says of them is wrong).
        stem: What its files are called instead, where that is something else.
        base: Address of the site.
        licence: Of the weights.
    """

    name: str
    folder: str
    kind: str
    purpose: Purpose
    needs: str
    sample_rate: int
    input: str
    output: str
    megabytes: float
    citation: str
    pinned: dict[str, str]
    onnx: str = ""
    stem: str = ""
    base: str = BASE
    licence: str = LICENCE

    @property
    def extensions(self) -> tuple[str, ...]:
        """Of every file that there is of it."""
        if self.purpose == "stems":
            return ("th",)
        return ("pb", "onnx", "json") if self.onnx else ("pb", "json")

    def file(self, extension: str) -> str:
        """Name of its file with that extension, one of `extensions`."""
        stem = self.onnx if extension == "onnx" and self.onnx else self.stem or self.name
        return f"{stem}.{extension}"


EFFNET = "discogs-effnet-bs64-1"
MUSICNN = "msd-musicnn-1"
TEMPOCNN = "deeptemp-k16-3"


def _head(
    task: str, kind: str, purpose: Purpose, output: str, megabytes: float, pinned: dict[str, str],
    *, folder: str = "", citation: str = _MTG19, node: str = "model/Placeholder", onnx: bool = True,
) -> Model:  # fmt: skip
    """A classification head on discogs-effnet."""
    return Model(
        f"{task}-discogs-effnet-1",
        f"classification-heads/{folder or task}",
        kind,
        purpose,
        EFFNET,
        0,
        node,
        output,
        megabytes,
        citation,
        pinned,
        f"{task}-discogs-effnet-1" if onnx else "",
    )


MODELS: tuple[Model, ...] = (
    Model(
        EFFNET,
        "feature-extractors/discogs-effnet",
        "",
        "embedding",
        "",
        16000,
        "serving_default_melspectrogram",
        "PartitionedCall:1",
        18.4,
        _ISMIR22,
        {
            "pb": "3ed9af50d5367c0b9c795b294b00e7599e4943244f4cbd376869f3bfc87721b1",
            "onnx": "a280825b334797cf677939db8cd5762c0392aedd0ca6415dbc1cd083f045e43c",
        },
        "discogs-effnet-bsdynamic-1",
    ),
    _head(
        "genre_discogs400",
        "genre",
        "words",
        "PartitionedCall:0",
        2.1,
        {
            "pb": "3885ba078a35249af94b8e5e4247689afac40deca4401a4bc888daf5a579c01c",
        },
        citation=_ISMIR22,
        node="serving_default_model_Placeholder",
        onnx=False,
    ),
    _head(
        "mtg_jamendo_moodtheme",
        "mood",
        "words",
        "model/Sigmoid",
        2.7,
        {
            "pb": "03f2b047020aee4ab39f8880da7bdae2a36d06a1508d656c6d424ad4d6de07a9",
            "onnx": "7d6270acaa5f4bba4b115a0d6849aca05ed6bd153dcb6d9da4f6ab9f99ef10ff",
        },
    ),
    _head(
        "mtg_jamendo_instrument",
        "instrument",
        "words",
        "model/Sigmoid",
        2.7,
        {
            "pb": "2e8c3003c722e098da371b6a1f7ad0ce62fac0dcfc09c7c7997d430941196c2a",
            "onnx": "9ae2d9e763d66bd8eed654d1ac3aa171e6539cb8a0e11f3dcd53df1428980802",
        },
    ),
    _head(
        "voice_instrumental",
        "voice",
        "pair",
        "model/Softmax",
        0.5,
        {
            "pb": "c8033548e17c292874265db62e82a051247768d10375a35a769e7bf695f16acf",
            "onnx": "20155e4c439714b0c45c08644b73c8e12d9dccb173bd4ab9934bf1e5aee837ca",
        },
        citation=_ICASSP20,
    ),
    _head(
        "danceability",
        "danceable",
        "pair",
        "model/Softmax",
        0.5,
        {
            "pb": "e1251f02cdc846445e2bc1fb3fe9963e32728c5c000e009188ae47c8963cb4c4",
            "onnx": "9ce9b8c44f1dd5df5ffc124e5d41d67acf254232c1b90c7e057e079ab7cead73",
        },
        citation=_ICASSP20,
    ),
    _head(
        "approachability_regression",
        "approachability",
        "numbers",
        "model/Identity",
        0.5,
        {
            "pb": "7ffc208865426fb3aa2842f676b42fc6128282088c9b1d1fd2aba14b17cd121c",
            "onnx": "f783b17ee994394f30f27d05ccd3fb845e589d107802e55e0b9cf1ea041ec894",
        },
        folder="approachability",
        citation=_ICASSP20,
    ),
    _head(
        "engagement_regression",
        "engagement",
        "numbers",
        "model/Identity",
        0.5,
        {
            "pb": "43031d40b3a380e1995c8495a108d14ca74f620d924fad9b28df4189c84d20c5",
            "onnx": "9551a6c162c9803aef5ce4e4d29a2e4fae99b5bfdc95dae9dd8fe5335e0fb567",
        },
        folder="engagement",
        citation=_ICASSP20,
    ),
    Model(
        MUSICNN,
        "feature-extractors/musicnn",
        "",
        "embedding",
        "",
        16000,
        "model/Placeholder",
        "model/dense/BiasAdd",
        3.2,
        _ICASSP20,
        {
            "pb": "cdea0722bcee7f731286843f2233e3aa69887bb5c3e2dce011eff55f38d04f3e",
            "onnx": "49668ffec47e52e94b96f45930bb46a28a1368d4bdfb5c05378fa834aca616e1",
        },
        MUSICNN,
    ),
    Model(
        "deam-msd-musicnn-2",
        "classification-heads/deam",
        "emotion",
        "numbers",
        MUSICNN,
        0,
        "model/Placeholder",
        "model/Identity",
        0.1,
        _ICASSP20,
        {
            "pb": "beb5eeb0909266eeb78b8d6bb1323b10829cf2fe55e3c01a13fa1846fa98b371",
            "onnx": "2cb8f33f188d73fcb651f7c065b049959166c7852f454a59c13e66fe2c092bde",
        },
        "deam-msd-musicnn-2",
    ),
    Model(
        TEMPOCNN,
        "tempo/tempocnn",
        "tempo",
        "tempo",
        "",
        11025,
        "input",
        "output",
        1.3,
        _TEMPO18,
        {"pb": "21c328332a221695dd6e8572728c617373064df882e8f81da6d88dc3a821e3b3"},
    ),
)
"""Every model, embeddings before what needs them."""

HTDEMUCS = Model(
    "htdemucs",
    "hybrid_transformer",
    "",
    "stems",
    "",
    44100,
    "",
    "",
    84.1,
    "S. Rouard, F. Massa, A. Défossez: Hybrid Transformers for Music Source Separation, "
    "ICASSP 2023",
    {"th": "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4"},
    stem="955717e8-8726e21a",
    base=DEMUCS,
    licence="MIT",
)
"""Takes vocals away (`vocals: separate`). Its file's name ends in the first digits of its hash."""

OTHERS: tuple[Model, ...] = (HTDEMUCS,)
"""Models that label nothing: fetched by name only, not by `all`."""

BY_NAME = {model.name: model for model in MODELS}

KINDS = tuple(model.kind for model in MODELS if model.kind)
"""Every label that a model can give: what `labels:` in artists.yaml may name."""
