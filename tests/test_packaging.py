"""The package is complete, its layers stay apart, and nothing names the machine it was made on."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAPPED = {
    "visiongen.tasks": "tasks",
    "visiongen.benchmarks": "benchmarks",
    "visiongen.weights": "weights",
}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def listed_packages() -> list[str]:
    return setup_cfg()["options"]["packages"].split()


def folder_of(package: str) -> Path:
    for name, folder in MAPPED.items():
        if package == name or package.startswith(name + "."):
            return ROOT / (folder + package[len(name) :].replace(".", "/"))
    return ROOT / package.replace(".", "/")


def packages_in_tree() -> list[str]:
    """Every folder with an __init__.py, under its import name; the links are not followed."""
    found = []
    for prefix, top in {"visiongen": "visiongen", **MAPPED}.items():
        for init in sorted((ROOT / top).rglob("__init__.py")):
            parts = init.parent.relative_to(ROOT / top).parts
            links = [ROOT / top / Path(*parts[: i + 1]) for i in range(len(parts))]
            if not any(link.is_symlink() for link in links):
                found.append(".".join((prefix, *parts)))
    return found


def sources() -> list[tuple[str, Path]]:
    """(module name, file) of every shipped module."""
    rows = []
    for package in listed_packages():
        for file in sorted(folder_of(package).glob("*.py")):
            name = package if file.name == "__init__.py" else f"{package}.{file.stem}"
            rows.append((name, file))
    return rows


def modules() -> list[str]:
    return [name for name, _ in sources() if not name.endswith("__main__")]


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    names = [n for n in done.stdout.decode().split("\0") if n]
    return [ROOT / n for n in names if (ROOT / n).is_file() and not (ROOT / n).is_symlink()]


def test_every_package_of_the_tree_is_listed() -> None:
    assert sorted(listed_packages()) == sorted(packages_in_tree())


def test_every_folder_with_modules_is_a_package() -> None:
    for top in ("visiongen", *MAPPED.values()):
        for file in (ROOT / top).rglob("*.py"):
            assert (file.parent / "__init__.py").is_file(), f"{file.parent} lacks an __init__.py"


def test_links_are_relative_and_point_at_the_rooms() -> None:
    for name, folder in MAPPED.items():
        link = ROOT / "visiongen" / name.rpartition(".")[2]
        if link.is_symlink():  # a checkout without links (Windows, archives) still installs
            assert str(link.readlink()) == f"../{folder}"


@pytest.mark.parametrize("name", sorted(MAPPED))
def test_bare_folder_import_is_refused(name: str) -> None:
    bare = MAPPED[name]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {bare}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"import this package as {name}" in done.stderr


@pytest.mark.slow
def test_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    """Built from a copy of the tracked files, so that no egg-info or build folder is left behind."""
    from visiongen import weights

    copy = tmp_path / "source"
    for file in tracked_files():
        target = copy / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    build = "from setuptools import build_meta; print(build_meta.build_wheel({!r}))"
    code = build.format(str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    wheel = tmp_path / done.stdout.strip().splitlines()[-1]
    inside = set(zipfile.ZipFile(wheel).namelist())
    facts = next(name for name in inside if name.endswith(".dist-info/METADATA"))
    metadata = zipfile.ZipFile(wheel).read(facts).decode()
    licence = next(line for line in metadata.splitlines() if line.startswith("License"))
    assert all(entry.licence in licence for entry in weights.list()), "weights have a licence of their own"
    assert len([name for name in inside if ".dist-info/" in name and name.endswith("LICENSE")]) == 2
    tops = {name.split("/")[0] for name in inside if ".dist-info/" not in name}
    assert tops == {"visiongen"}
    shipped = [".py", ".toml", ".safetensors", ".typed", ".json", ".css", ".js"]
    for package in listed_packages():
        here = copy / folder_of(package).relative_to(ROOT)
        for file in here.iterdir():
            if file.suffix in shipped and file.is_file():
                assert f"{package.replace('.', '/')}/{file.name}" in inside


def test_building_keeps_licences_of_one_name_apart() -> None:
    """Before setuptools 77 a wheel has them side by side: that of the weights would overwrite the code's."""
    config = setup_cfg()
    files = config["metadata"]["license_files"].split()
    assert len({Path(file).name for file in files}) < len(files)
    asked = (ROOT / "pyproject.toml").read_text() + config["options.extras_require"]["test"]
    assert [int(number) >= 77 for number in re.findall(r"setuptools>=(\d+)", asked)] == [True, True]


def imported(file: Path) -> set[str]:
    """Absolute names of everything ``file`` imports, at any depth; TYPE_CHECKING blocks too."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write visiongen...."
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def reaches(names: set[str], target: str) -> list[str]:
    return sorted(n for n in names if n == target or n.startswith(target + "."))


RULES = [
    # (importers, forbidden, why)
    (r"visiongen(?!\.(tasks|benchmarks|weights|cli)(\.|$))", "visiongen.tasks", "core knows no task"),
    (
        r"visiongen(?!\.(tasks|benchmarks|weights|cli)(\.|$))",
        "visiongen.benchmarks",
        "core knows no benchmark",
    ),
    (r"visiongen\.tasks", "visiongen.benchmarks", "tasks know no benchmark"),
    (r"visiongen(?!\.(cli|__main__)(\.|$))", "visiongen.cli", "only the command line knows the command line"),
    (r"visiongen\.tasks\.codecs", "torch", "codecs are numpy"),
    (r"visiongen\.tasks\.codecs", "visiongen.backbones", "codecs know no model"),
    (r"visiongen\.tasks\.codecs", "visiongen.transformer", "codecs know no model"),
    (r"visiongen\.tasks\.codecs", "visiongen.tokenizer", "codecs know no model"),
    (r"visiongen\.tasks\.codecs", "visiongen.world", "codecs know no dataset"),
    (r"visiongen\.tasks\.codecs", "visiongen.training", "codecs know no dataset"),
    (r"visiongen\.benchmarks\.metrics", "torch", "metrics see arrays only"),
    (r"visiongen\.benchmarks\.metrics", "visiongen.tasks", "metrics see arrays only"),
    (r"visiongen\.benchmarks\.metrics", "visiongen.backbones", "metrics see arrays only"),
    (r"visiongen\.benchmarks\.metrics", "visiongen.benchmarks.datasets", "metrics see arrays only"),
    (r"visiongen", "tasks", "import it as visiongen.tasks"),
    (r"visiongen", "benchmarks", "import it as visiongen.benchmarks"),
    (r"visiongen", "weights", "import it as visiongen.weights"),
]


@pytest.mark.parametrize(("importers", "forbidden", "why"), RULES)
def test_dependency_rule(importers: str, forbidden: str, why: str) -> None:
    pattern = re.compile(importers + r"(\.|$)")
    for name, file in sources():
        if pattern.match(name):
            assert not reaches(imported(file), forbidden), f"{name} imports {forbidden}: {why}"


def test_dependency_rule_would_catch_a_violation(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from visiongen.tasks import predict\n    return predict\n")
    assert reaches(imported(bad), "visiongen.tasks")


@pytest.mark.parametrize("name", modules())
def test_public_names_have_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    for attribute, value in vars(module).items():
        own = getattr(value, "__module__", None) == name
        if not attribute.startswith("_") and own and (isinstance(value, type) or callable(value)):
            assert (value.__doc__ or "").strip(), f"{name}.{attribute} has no docstring"


NAMED_OTHERWISE = {"cv2": "opencv-python-headless", "skimage": "scikit-image", "PIL": "pillow"}


def declared() -> dict[str, str]:
    """Project name in small letters -> where setup.cfg asks for it: install_requires, or an extra."""
    config = setup_cfg()
    wanted = {"install_requires": config["options"]["install_requires"]}
    wanted |= dict(config["options.extras_require"])
    lines = [(place, line) for place, text in wanted.items() for line in text.split("\n")]
    names = [(place, re.match(r"[\w.-]+", line.strip())) for place, line in lines]
    return {name.group().lower(): place for place, name in reversed(names) if name}


def foreign(file: Path) -> set[str]:
    """Top-level names that ``file`` imports from neither Python nor visiongen, as projects are named."""
    tops = {name.split(".")[0] for name in imported(file)} - sys.stdlib_module_names - {"visiongen"}
    return {NAMED_OTHERWISE.get(top, top).lower() for top in tops}


def test_every_library_that_is_imported_is_declared() -> None:
    found = declared()
    assert found["numpy"] == "install_requires" and found["mitsuba"] == "mitsuba"
    for name, file in sources():
        missing = foreign(file) - found.keys() - {"tomllib"}  # no part of 3.10
        assert not missing, f"{name} imports {missing}, which setup.cfg does not ask for"


def test_an_undeclared_library_would_be_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import cv2, os.path\ndef f():\n    from notlisted.part import g\n    return g\n")
    assert foreign(bad) - declared().keys() == {"notlisted"}


def test_extras_that_messages_name_exist() -> None:
    extras = set(setup_cfg()["options.extras_require"])
    for name, file in sources():
        named = set(re.findall(r"visiongen\[([\w-]+)\]", file.read_text(encoding="utf-8")))
        assert named <= extras, f"{name} names an extra that is not there: {named - extras}"


def test_types_and_style_are_checked_for_the_oldest_python() -> None:
    """There mypy finds what newer ones alone have: names (Self, StrEnum), attributes (contextlib.chdir)."""
    oldest = setup_cfg()["options"]["python_requires"].removeprefix(">=")
    assert setup_cfg()["mypy"]["python_version"] == oldest
    style = (ROOT / "ruff.toml").read_text()
    assert f'target-version = "py{oldest.replace(".", "")}"' in style


def test_every_source_can_be_read_by_the_oldest_python() -> None:
    """Its syntax, and the one module that mypy takes for a library it does not know."""
    oldest = setup_cfg()["options"]["python_requires"].removeprefix(">=").split(".")
    for _, file in sources():
        text = file.read_text(encoding="utf-8")
        ast.parse(text, str(file), feature_version=(int(oldest[0]), int(oldest[1])))
        names = imported(file)
        assert "tomllib" not in names or "tomli" in names, (
            f"{file}: tomllib is new in 3.11; fall back to tomli"
        )


def test_registry_targets_exist() -> None:
    from visiongen import registry

    for entries in (v for v in vars(registry).values() if isinstance(v, registry.Registry)):
        for name in entries:
            assert entries.get(name) is not None


def test_no_machine_paths_in_tracked_files() -> None:
    path = re.compile(rb"(?<![\w.$}-])/(?:root|work|farm|home/[a-z]|Users/[A-Za-z])[\w/]*/")
    for file in tracked_files():
        data = file.read_bytes()
        if b"\0" in data[:8000] or file == Path(__file__).resolve():
            continue
        assert not path.search(data), f"{file.relative_to(ROOT)} names a path of somebody's machine"


def test_tracked_files_stay_small() -> None:
    for file in tracked_files():
        limit = 40e6 if file.suffix == ".safetensors" else 2e6
        assert file.stat().st_size <= limit, f"{file.name} is too large for the repository"


def test_shipped_weights_stay_within_their_budget() -> None:
    from visiongen import weights

    if not (weights.ROOT / "manifest.toml").is_file():
        pytest.skip("weights/ ships no weights yet")
    backbones = [e for e in weights.list() if e.kind == "backbone"]
    assert sum(e.bytes for e in backbones) <= 40e6
    assert all(e.bytes <= 10e6 for e in weights.list() if e.kind != "backbone")


def test_import_is_light() -> None:
    code = "import sys, visiongen.cli.main; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "numpy", "cv2", "scipy", "timm", "PIL", "pydantic"}


def test_version_is_the_same_everywhere() -> None:
    import visiongen

    assert setup_cfg()["metadata"]["version"] == visiongen.__version__
    assert f"## [{visiongen.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
