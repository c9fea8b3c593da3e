"""The same EnCodec in audiocraft's form and in transformers', exactly, both ways."""

import re
from typing import Any

from ..errors import TrainingError

_NAMES = (
    (r"\.conv\.conv\.|\.convtr\.convtr\.", ".conv."),
    (r"^(encoder|decoder)\.model\.", r"\1.layers."),
    (r"^quantizer\.vq\.layers\.(\d+)\._codebook\.", r"quantizer.layers.\1.codebook."),
    (r"\.weight_g$", ".parametrizations.weight.original0"),
    (r"\.weight_v$", ".parametrizations.weight.original1"),
)
"""Patterns in audiocraft's names and what transformers has there instead."""


def transformers_codec_name(name: str) -> str:
    """Renames a tensor of audiocraft's EncodecModel."""
    for old, new in _NAMES:
        name = re.sub(old, new, name)
    return name


def codec_to_transformers(compression: Any) -> Any:
    """Makes transformers' EncodecModel of audiocraft's compression model.

    Args:
        compression: An EncodecModel, a stereo wrapper of one, or transformers' own in audiocraft's
            wrapper (a copy of that is returned).

    Raises:
        TrainingError: It is another model, or has settings transformers' EnCodec lacks.
    """
    import copy

    from audiocraft.models import encodec
    from transformers import EncodecModel

    if isinstance(compression, encodec.InterleaveStereoCompressionModel):
        compression = compression.model
    if isinstance(compression, encodec.HFEncodecCompressionModel):
        return copy.deepcopy(compression.model).float()
    if not isinstance(compression, encodec.EncodecModel):
        raise TrainingError(
            f"the compression model is a {type(compression).__name__}; only an EnCodec has a "
            "counterpart in transformers: export with --to audiocraft"
        )
    model = EncodecModel(_encodec_config(compression))
    ours = compression.state_dict()
    renamed = {transformers_codec_name(name): tensor for name, tensor in ours.items()}
    if renamed.keys() != model.state_dict().keys():
        odd = sorted(renamed.keys() ^ model.state_dict().keys())
        raise TrainingError(f"the compression model is no EnCodec of transformers: {odd[:3]} …")
    model.load_state_dict(renamed)
    return model.eval()


def _encodec_config(compression: Any) -> Any:
    """Reads an EncodecConfig off audiocraft's modules."""
    from audiocraft.modules.conv import StreamableConv1d, StreamableConvTranspose1d
    from audiocraft.modules.lstm import StreamableLSTM
    from audiocraft.modules.seanet import SEANetResnetBlock
    from torch import nn
    from transformers import EncodecConfig

    encoder, decoder = compression.encoder, compression.decoder

    def find(network: Any, kind: type) -> list[Any]:
        return [module for module in network.model if isinstance(module, kind)]

    convolutions, blocks = find(encoder, StreamableConv1d), find(encoder, SEANetResnetBlock)
    recurrent, upward = find(encoder, StreamableLSTM), find(decoder, StreamableConvTranspose1d)
    first, last, inner = convolutions[0], convolutions[-1], blocks[0].block[1].conv.conv
    growth = blocks[1].block[1].conv.conv.dilation[0] if encoder.n_residual_layers > 1 else 2
    return EncodecConfig(
        target_bandwidths=[_bandwidth(compression)],
        sampling_rate=compression.sample_rate,
        audio_channels=compression.channels,
        normalize=compression.renormalize,
        hidden_size=encoder.dimension,
        num_filters=encoder.n_filters,
        num_residual_layers=encoder.n_residual_layers,
        upsampling_ratios=[int(ratio) for ratio in decoder.ratios],
        norm_type=first.conv.norm_type,
        kernel_size=first.conv.conv.kernel_size[0],
        last_kernel_size=last.conv.conv.kernel_size[0],
        residual_kernel_size=inner.kernel_size[0],
        dilation_growth_rate=growth,
        use_causal_conv=first.causal,
        pad_mode=first.pad_mode,
        compress=inner.in_channels // inner.out_channels,
        num_lstm_layers=recurrent[0].lstm.num_layers if recurrent else 0,
        trim_right_ratio=float(upward[0].trim_right_ratio),
        codebook_size=compression.cardinality,
        codebook_dim=compression.quantizer.dimension,
        use_conv_shortcut=not isinstance(blocks[0].shortcut, nn.Identity),
    )


def _bandwidth(compression: Any) -> float:
    """The bandwidth in kbit/s at which transformers uses just the active codebooks."""
    import math

    bits = math.log2(compression.cardinality)
    if bits != int(bits):
        raise TrainingError(
            f"codebooks of {compression.cardinality} entries: transformers' EnCodec needs a power "
            "of 2; export with --to audiocraft"
        )
    if compression.frame_rate != int(compression.frame_rate):
        raise TrainingError(f"a frame rate of {compression.frame_rate} Hz is not whole")
    rate = int(bits) * int(compression.frame_rate)
    kbits = rate * compression.num_codebooks / 1000
    # transformers rounds the number of codebooks down: 3.9999 would be 3.
    if int(1000 * kbits // rate) != compression.num_codebooks:
        kbits = math.nextafter(kbits, math.inf)
    return kbits


def codec_from_transformers(model: Any) -> dict[str, Any]:
    """Makes the package of audiocraft's compression model of transformers' EncodecModel.

    Returns:
        `xp.cfg` (YAML), `best_state`, `version` and `exported`, as in an official file.

    Raises:
        TrainingError: A tensor has no counterpart in audiocraft.
    """
    import audiocraft
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    config = OmegaConf.create(_compression_config(model.config))
    theirs = model.state_dict()
    names = builders.get_compression_model(config).state_dict()
    try:
        state = {name: theirs.pop(transformers_codec_name(name)) for name in names}
    except KeyError as error:
        raise TrainingError(f"the EnCodec lacks {error}, which audiocraft's has") from error
    if theirs:
        raise TrainingError(f"the EnCodec has what audiocraft's lacks: {sorted(theirs)[:3]} …")
    return {
        "best_state": {name: tensor.clone() for name, tensor in state.items()},
        "xp.cfg": OmegaConf.to_yaml(config),
        "version": audiocraft.__version__,
        "exported": True,
    }


def _compression_config(config: Any) -> dict[str, Any]:
    """audiocraft's configuration of a compression model, from an EncodecConfig."""
    sound = {"sample_rate": config.sampling_rate, "channels": config.audio_channels}
    return {
        "device": "cpu",
        "dtype": "float32",
        **sound,
        "compression_model": "encodec",
        "encodec": {
            "autoencoder": "seanet",
            "quantizer": "rvq",
            **sound,
            "causal": config.use_causal_conv,
            "renormalize": config.normalize,
        },
        "seanet": {
            "dimension": config.hidden_size,
            "channels": config.audio_channels,
            "causal": config.use_causal_conv,
            "n_filters": config.num_filters,
            "n_residual_layers": config.num_residual_layers,
            "ratios": list(config.upsampling_ratios),
            "activation": "ELU",
            "activation_params": {"alpha": 1.0},
            "norm": config.norm_type,
            "norm_params": {},
            "kernel_size": config.kernel_size,
            "residual_kernel_size": config.residual_kernel_size,
            "last_kernel_size": config.last_kernel_size,
            "dilation_base": config.dilation_growth_rate,
            "pad_mode": config.pad_mode,
            "true_skip": not config.use_conv_shortcut,
            "compress": config.compress,
            "lstm": config.num_lstm_layers,
            "disable_norm_outer_blocks": 0,
            "encoder": {},
            "decoder": {"trim_right_ratio": config.trim_right_ratio},
        },
        "rvq": {
            "n_q": config.num_quantizers,
            "q_dropout": False,
            "bins": config.codebook_size,
            "decay": 0.99,
            "kmeans_init": True,
            "kmeans_iters": 10,
            "threshold_ema_dead_code": 2,
        },
    }
