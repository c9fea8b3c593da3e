"""The doctor looks at everything a build needs, and survives what is missing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from curate import audio, schema
from curate.command import doctor
from curate.labels.models import weights

ROOT = Path(doctor.__file__).parents[2]


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A models folder of our own."""
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    return tmp_path


def checks() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine()}


def test_here_everything_is_there() -> None:
    found = checks()
    assert {name: check.found for name, check in found.items() if not check.ok} == {}
    assert all(check.found for check in found.values())
    assert found["python"].found == ".".join(map(str, sys.version_info[:3]))
    assert found["ffmpeg"].found.endswith(Path(found["ffmpeg"].found).name)
    assert found["schemas"].found == f"{len(schema.NAMES)} schemas"
    assert found["audio files"].found == "flac and wav written and read"


def test_every_dependency_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[^\w-]", name)[0].lower() for name in project["dependencies"]}
    looked_at = {distribution.lower() for distribution, _ in doctor.PACKAGES}
    assert needed - looked_at == {"imageio-ffmpeg"}  # the check of ffmpeg finds it


def test_whatever_is_missing_has_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mutagen", None)
    monkeypatch.setattr(audio, "ffmpeg", lambda: None)
    monkeypatch.setattr(audio, "write", None)
    monkeypatch.setattr(schema, "folder", lambda: Path("/nowhere"))
    monkeypatch.setattr(doctor, "MIN_FREE_GB", 1e9)
    monkeypatch.setattr(doctor, "_memory_gib", lambda: 0.5)
    schema.load.cache_clear()
    missing = {name: check for name, check in checks().items() if not check.ok}
    assert set(missing) == {"mutagen", "ffmpeg", "audio files", "schemas", "disk", "memory"}
    assert missing["mutagen"].remedy == "pip install mutagen"
    assert missing["ffmpeg"].remedy == "pip install imageio-ffmpeg"
    assert all(check.remedy for check in missing.values())


def test_models_need_not_be_there(models: Path) -> None:
    check = checks()["models"]
    assert check.ok
    assert check.found == (
        f"0 of 11 in {models}; signal labels need none; `curate models fetch` brings them"
    )


def test_a_broken_model_is_named(models: Path) -> None:
    (models / "deeptemp-k16-3.pb").write_bytes(b"cut off")
    check = checks()["models"]
    assert not check.ok
    assert "deeptemp-k16-3.pb is cut off, changed or another file (7 bytes" in check.found
    assert "remove these files; `curate models fetch`" in check.remedy
    assert "`curate models accept NAME`" in check.remedy


def test_the_backend_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert checks()["onnxruntime"].found[0].isdecimal()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    missing = checks()["onnxruntime"]
    assert missing.ok
    assert "models run from .pb files" in missing.found
    assert "pip install onnxruntime" in missing.found
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('libx.so is missing')\n")
    monkeypatch.delitem(sys.modules, "onnxruntime")
    monkeypatch.syspath_prepend(tmp_path)
    broken = checks()["onnxruntime"]
    assert not broken.ok
    assert broken.found == "ImportError: libx.so is missing"
    assert broken.remedy == "pip install onnxruntime"


def test_it_works_where_nothing_is_installed() -> None:
    """A broken numpy is what people call a doctor for."""
    names = ["numpy", "soundfile", "av", "msgspec", "psutil", "yaml", "jsonschema", "essentia"]
    code = f"import sys\nfor name in {names}: sys.modules[name] = None\n"
    code += "from curate import cli\nsys.exit(cli.main(['doctor']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("MISS") >= len(names)
    assert "-> pip install numpy" in done.stdout
