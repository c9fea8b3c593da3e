"""Bases by what they are: found wherever they lie, told apart by content, named without paths."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.musicgen import tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.models import base, identity, places, provenance, tuned
from plugins.musicgen.models.identity import Identity
from plugins.musicgen.train import from_sig, main

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other") / "mono"
    tiny.make(folder, seed=1)
    return folder


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine, as far as what was seen there goes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class TestIdentity:
    def test_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        hub = tmp_path / "models--facebook--musicgen-small" / "snapshots" / "4c8334b02c"
        monkeypatch.chdir(tmp_path)
        for name, called in (
            ("facebook/musicgen-small", "facebook/musicgen-small"),
            (str(hub), "facebook/musicgen-small"),
            ("/home/me/bases/mono", "mono"),
            ("/home/me/bases/mono/", "mono"),
            ("//sig/82b56805", "82b56805"),
            ("..", tmp_path.parent.name),
        ):
            assert places.called(name) == called

    @pytest.mark.parametrize(
        "name",
        ["a/b/c", "/a", "a/", "./a", "../a", "~/a", "a", "//sig/a", "a b/c", ".a/b", "a\\b/c"],
    )
    def test_what_is_no_name_on_the_hub(self, name: str) -> None:
        assert not identity.on_hub(name)

    def test_a_fingerprint_is_of_the_content(self, tiny_base: Path, tmp_path: Path) -> None:
        copy = Path(shutil.copytree(tiny_base, tmp_path / "another name"))
        known = places.identify(str(tiny_base))
        assert places.identify(str(copy)).fingerprint == known.fingerprint
        (copy / "README.md").write_text("a card")
        assert places.identify(str(copy)).fingerprint == known.fingerprint
        for file in base.OFFICIAL:
            data = bytearray((tiny_base / file).read_bytes())
            data[len(data) // 2] ^= 1
            (copy / file).write_bytes(data)
            assert places.identify(str(copy)).fingerprint != known.fingerprint
            shutil.copy(tiny_base / file, copy / file)
        assert places.identify(str(copy)) == Identity("another name", known.fingerprint)

    def test_a_hash_is_remembered_until_the_file_changes(
        self, no_cache: None, tmp_path: Path
    ) -> None:
        path, notes = tmp_path / "weights", tmp_path / "cache" / "musicgen-curate" / "hashes"
        path.write_bytes(b"one")
        fresh = identity.fingerprint([path])
        assert not notes.exists()  # it may change again within one tick of the clock
        os.utime(path, (1, 1))
        assert identity.fingerprint([path]) == fresh
        (note,) = notes.iterdir()
        note.write_text("0" * 64)
        assert identity.fingerprint([path]) != fresh  # it is the note that was read
        note.write_text("half a no")
        assert identity.fingerprint([path]) == fresh
        path.write_bytes(b"two")
        os.utime(path, (time.time() - 60,) * 2)
        assert identity.fingerprint([path]) != fresh
        with pytest.raises(TrainingError, match="none: cannot be read"):
            identity.fingerprint([tmp_path / "none"])

    def test_a_cache_that_cannot_be_written_costs_only_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_bytes(b"one")
        os.utime(tmp_path / "file", (1, 1))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert len(identity.fingerprint([tmp_path / "file"])) == identity.DIGITS

    @pytest.mark.parametrize("fingerprint", ["", "..", "../../x", "/etc/passwd"])
    def test_what_is_no_fingerprint_is_not_looked_up(self, fingerprint: str) -> None:
        assert identity.recall(Identity("x", fingerprint)) is None


class TestSignature:
    def test_the_base_counts_by_its_content(
        self, clips: Path, tiny_base: Path, other_base: Path, tmp_path: Path
    ) -> None:
        place = tmp_path / "base"

        def sign() -> str:
            return str(main.get_xp([f"data={clips}", f"base={place}"]).sig)

        shutil.copytree(tiny_base, place)
        first = sign()
        assert main.get_xp([f"data={clips}", f"base={tiny_base}"]).sig == first
        shutil.copy(other_base / base.LM_FILE, place)
        assert sign() != first

    def test_one_of_the_hub_counts_by_its_name(self, clips: Path) -> None:
        """What is there can be known only when it was downloaded."""
        named = main.get_xp([f"data={clips}", "base=facebook/musicgen-small"])
        usual = main.get_xp([f"data={clips}"])
        assert named.sig == usual.sig
        assert named.cfg.base_fingerprint == "facebook/musicgen-small"
        assert main.get_xp([f"data={clips}", "base=facebook/musicgen-large"]).sig != named.sig

    def test_folders_become_absolute(
        self, clips: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a run goes on wherever it is called from."""
        monkeypatch.chdir(tiny_base.parent)
        relative = os.path.relpath(clips)
        xp = main.get_xp([f"data={relative}", f"base={tiny_base.name}"])
        assert xp.cfg.base == str(tiny_base)
        assert Path(xp.cfg.data).is_absolute()
        assert clips.samefile(xp.cfg.data)
        assert xp.sig == main.get_xp([f"data={clips}", f"base={tiny_base}"]).sig
        again = main.get_xp(list(xp.argv))
        assert (again.sig, again.cfg.base) == (xp.sig, str(tiny_base))

    def test_a_folder_with_strange_letters(
        self, clips: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strange = tmp_path / "it's a, {base}=1"
        strange.symlink_to(tiny_base)
        monkeypatch.chdir(tmp_path)
        quoted = "base='" + strange.name.replace("'", "\\'") + "'"
        xp = main.get_xp([f"data={clips}", quoted])
        assert xp.cfg.base == str(strange)

    def test_a_wrong_pin_is_refused(self, start: Start, tiny_base: Path) -> None:
        with pytest.raises(
            TrainingError, match=r"base=.*: its fingerprint is \w{12}, this experiment.*with 0000"
        ):
            start("base_fingerprint=000000000000")

    @pytest.mark.parametrize("wrong", ["nowhere", "./nowhere", "//sig/12345678", "//sig/../x"])
    def test_no_such_base(
        self, wrong: str, clips: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            main.get_xp([f"data={clips}", f"base={wrong}"])
        assert ended.value.code == 2
        assert f"{wrong}: " in capsys.readouterr().err


BRIEF = ("adapter=lora", "optim.epochs=1", "optim.updates_per_epoch=1", "generate.every=null")


def trained(start: Start, *more: str) -> Any:
    solver = start(*BRIEF, *more)
    with solver.xp.enter():
        solver.run()
    return solver


class TestReopening:
    def test_an_experiment_whose_base_moved(
        self, start: Start, tiny_base: Path, other_base: Path, tmp_path: Path, no_cache: None
    ) -> None:
        place, moved = tmp_path / "mono", tmp_path / "elsewhere"
        shutil.copytree(tiny_base, place)
        sig = trained(start, f"base={place}").xp.sig
        print_ = places.pin(str(place))
        place.rename(moved)
        with pytest.raises(
            TrainingError, match=rf"{sig} was trained from the base mono \({print_}\), which is not"
        ):
            from_sig(sig, device="cpu")
        with pytest.raises(
            TrainingError,
            match=rf"{sig} .*base mono \({print_}\); the base given, mono \(\w+\), is",
        ):
            tuned.open_tuned(sig, base=str(other_base))
        assert tuned.open_tuned(sig, base=str(moved)).origin.identity.fingerprint == print_
        assert from_sig(sig, device="cpu").origin.folder == moved  # it is known now
        shutil.copytree(other_base, place)  # another in its place
        with pytest.raises(TrainingError, match=r"the base given, mono \(\w+\), is another"):
            from_sig(sig, device="cpu")

    def test_an_adapter_on_what_an_experiment_made(
        self, start: Start, tmp_path: Path, no_cache: None
    ) -> None:
        """`//sig/SIG` means something only here; exported, it is the base elsewhere."""
        from plugins.musicgen import export

        first = trained(start).xp.sig
        second = trained(start, f"base=//sig/{first}").xp.sig
        export.main([second, str(tmp_path / "adapter"), "--to", "adapter"])
        for to in ("audiocraft", "transformers"):
            export.main([first, str(tmp_path / to), "--to", to, "--merge"])
        told = provenance.read(tmp_path / "adapter")
        assert told is not None
        assert told.origin == Identity(first, places.pin(f"//sig/{first}"))
        expected = tuned.open_tuned(second).weights()
        assert tuned.open_tuned(str(tmp_path / "adapter")).origin.name == f"//sig/{first}"
        shutil.rmtree(main.dora.dir / "xps")
        with pytest.raises(TrainingError, match=rf"base {first} \(\w+\), which is not known"):
            tuned.open_tuned(str(tmp_path / "adapter"))
        for to in ("audiocraft", "transformers"):
            found = tuned.open_tuned(str(tmp_path / "adapter"), base=str(tmp_path / to))
            assert all((expected[k] - v).abs().max() < 1e-5 for k, v in found.weights().items())
