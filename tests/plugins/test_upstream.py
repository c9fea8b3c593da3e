"""The mends of audiocraft: each fault is there, and a change of upstream's source is noticed."""

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream

upstream.mend()


@pytest.mark.parametrize("fault", upstream.FAULTS, ids=lambda fault: fault.name)
def test_upstream_is_what_the_mends_were_made_for(fault: upstream.Fault) -> None:
    if fault.name != "ffmpeg":  # mended above
        assert upstream.digest(upstream.source(fault.where)) == fault.sha256


def test_a_changed_upstream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = dataclasses.replace(upstream.FAULTS[0], sha256="0" * 16)
    monkeypatch.setattr(upstream, "FAULTS", (changed,))
    with pytest.raises(TrainingError, match=r"'teams'.*audiocraft==1\.3\.0"):
        upstream.mend()


def test_a_fault_whose_place_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = dataclasses.replace(upstream.FAULTS[0], where=("audiocraft.environment", "Gone.away"))
    monkeypatch.setattr(upstream, "FAULTS", (gone,))
    with pytest.raises(TrainingError, match="nothing, expected"):
        upstream.mend()


def test_the_teams_file_of_upstream_is_absent_and_ours_does() -> None:
    from audiocraft import environment

    theirs = Path(environment.__file__).parent.parent / "config" / "teams" / "default.yaml"
    assert not theirs.exists()
    assert environment.AudioCraftEnvironment.apply_dataset_mappers("/a/b.wav") == "/a/b.wav"


def test_samples_are_written_without_ffmpeg_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile
    from audiocraft.data.audio import audio_write

    monkeypatch.setenv("PATH", str(tmp_path))
    wave = torch.sin(torch.arange(3200) / 10)[None] / 2
    path = audio_write(tmp_path / "tone", wave, 32000, strategy="clip")
    found, rate = soundfile.read(path)
    assert rate == 32000
    assert abs(found - wave[0].numpy()).max() < 1e-3


def test_attention_backend_has_two_names() -> None:
    with pytest.raises(TrainingError, match="torch or xformers"):
        upstream.attention_backend("flash")
    upstream.attention_backend("torch")


def test_a_folder_without_t5_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no T5 there"):
        upstream.know_t5(tmp_path)


class TestLoad:
    def test_tensors_values_and_omegaconf_come_back(self, tmp_path: Path) -> None:
        """Files of audiocraft's own training hold omegaconf's containers."""
        config = OmegaConf.create({"a": {"b": [1, 2.5, "c", None, True]}})
        torch.save({"xp.cfg": config, "x": torch.ones(2)}, tmp_path / "a.th")
        found = upstream.load(tmp_path / "a.th")
        assert found["xp.cfg"] == config
        assert torch.equal(found["x"], torch.ones(2))

    def test_a_pickle_that_is_a_program_does_not_run(self, tmp_path: Path) -> None:
        class Program:
            def __reduce__(self) -> tuple[object, tuple[object, ...]]:
                return Path.touch, (tmp_path / "ran",)

        torch.save({"best_state": Program()}, tmp_path / "new.bin")
        (tmp_path / "plain.bin").write_bytes(pickle.dumps(Program()))
        for name in ("new.bin", "plain.bin"):
            with pytest.raises(TrainingError, match=f"{name}: not weights"):
                upstream.load(tmp_path / name)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        "content", [b"", b"PK\x03\x04 cut", b"version https://git-lfs", b"\x80"]
    )
    def test_a_broken_file_is_named(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "broken.bin"
        path.write_bytes(content)
        with pytest.raises(TrainingError, match=r"checkpoint .*broken\.bin: .*broken"):
            upstream.load(path)

    def test_a_file_cut_short_is_named(self, tmp_path: Path) -> None:
        torch.save({"x": torch.ones(1000)}, tmp_path / "cut.bin")
        whole = (tmp_path / "cut.bin").read_bytes()
        (tmp_path / "cut.bin").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(TrainingError, match="broken"):
            upstream.load(tmp_path / "cut.bin")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="no such file"):
            upstream.load(tmp_path / "none.bin")


def test_the_command_is_quick_to_import() -> None:
    """`dora info` and errors need neither torch's nor audiocraft's seconds."""
    code = "import sys, plugins.train; print(*({'audiocraft', 'transformers'} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_the_real_xformers_is_used_where_it_is_asked_for() -> None:
    """In a process of its own: here the stand-in may have been first."""
    code = (
        "from plugins.musicgen.mended import upstream\n"
        "upstream.prepare(xformers=True)\n"
        "upstream.prepare()\n"
        "import xformers.ops\n"
        "print(bool(xformers.__file__), xformers.ops.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "xformers.ops"], done.stderr
