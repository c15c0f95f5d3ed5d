"""The model card says what the result files say, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from visiongen import weights
from visiongen.benchmarks.protocols import load_protocol
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import make_card  # noqa: E402
from card import collect, facts, kept, page, sections, tables, training  # noqa: E402

OURS, OTHER, UNET = "a" * 64, "b" * 64, "c" * 64
ENTRY = dataclasses.replace(weights.entry("tiny"), sha256=OURS)


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts as the written result has them: these runs have no records to draw from."""

    def read(folder: Any, names: Any) -> Any:
        found = json.loads((folder.path / "result.json").read_text())["differences"]
        return {row: {"AbsRel": one} for row, one in found.items()}

    monkeypatch.setattr(collect, "against_rows", read)


def score(value: float | None, higher: bool = False, spread: float = 0.125) -> dict[str, Any]:
    ends = None if value is None else [value - spread, value + spread]
    return {"value": value, "higher_is_better": higher, "ci95": ends}


def write_run(folder: Path, values: dict[str, float | None], sha: str = OURS, **changes: Any) -> Path:
    """A finished run of world-depth; ``values``: row -> AbsRel, delta1 is one minus that."""
    benchmark = get_benchmark("world-depth")
    rows = {
        row: {"AbsRel": score(v), "delta1": score(None if v is None else 1 - v, higher=True)}
        for row, v in values.items()
    }
    images = {f"seed{n}": "d" for n in range(100)}
    shared = {
        "benchmark": "world-depth",
        "split": "test",
        "weights": {"name": "candidate", "sha256": sha},
        "sample": {"mode": "verified", "seed": 0, "legend_seed": None, "legend": None},
        "protocol": benchmark.protocol,
        "env": {},
    }
    plan = shared | {
        "source": "world-depth",
        "version": benchmark.version,
        "limit": None,
        "predictions": None,
        "images": images,
        "keys": {row: {name: f"{row}{name}" for name in images} for row in rows},
        "identities": {"specialist": {"weights": UNET}},
        "reasons": {},
    }
    result = shared | {
        "schema": "visiongen.bench/1",
        "benchmark_version": benchmark.version,
        "task": "depth",
        "primary": "AbsRel",
        "n_expected": 100,
        "n_scored": 100,
        "n_failed": 0,
        "partial": False,
        "scores": rows["model"],
        "rows": {row: found for row, found in rows.items() if row != "model"},
        "reasons": {},
        "differences": {
            row: {
                "a": 0.5,
                "b": 0.5,
                "difference": 0.0,
                "ci95": [-0.1, 0.1],
                "higher_is_better": False,
                "verdict": "no difference shown" if row == "blind" else "worse",
            }
            for row in rows
            if row != "model"
        },
        "failures": [],
        "decoding": {},
        "seconds": 1.0,
    }
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan | {k: v for k, v in changes.items() if k in plan}))
    (folder / "result.json").write_text(json.dumps(result | changes))
    return folder


def lines_of(facts: dict[str, Any]) -> list[list[str]]:
    """The cells of the table's lines, the header first."""
    found = [line for line in tables.scores(facts).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_a_table_holds_the_results_and_marks_who_is_not_shown_to_be_behind(tmp_path: Path) -> None:
    values = {"model": 0.5, "blind": 0.4, "specialist": 0.25, "draft": 0.75, "ceiling": 0.0625}
    write_run(tmp_path / "runs" / "depth", values)
    write_run(tmp_path / "old" / "depth", {"model": 0.45}, sha=OTHER)
    unet = tmp_path / "specialist-depth"
    unet.mkdir()
    (unet / "weights.json").write_text(json.dumps({"sha256": UNET, "minutes": 12.4}))
    facts = collect.collect([tmp_path / "runs"], [unet], ENTRY)
    facts["before"] = make_card.earlier(tmp_path / "old")
    head, first, second = lines_of(facts)
    assert dict(zip(head, first, strict=True)) == {
        "benchmark": "world-depth test, 100 images",
        "score": "AbsRel ↓",
        "blind": "0.400",
        "specialist": "0.250 (12 min)",
        "draft": "0.750",
        "**verified** [95 %]": "**0.500** [0.375, 0.625]",
        "ceiling": "0.0625",
        "release before": "0.450",
        "not shown to be behind": "blind~, specialist, before?",
    }
    assert dict(zip(head, second, strict=True))["score"] == "delta1 ↑"
    assert second[-1] == "blind?, specialist?, before?", "scores without a verdict say nothing"
    text = tables.scores(facts)
    assert "*Draft*" in text and "*On the truth's past*" not in text, (
        "only columns that are there are explained"
    )
    assert "- world-depth, AbsRel: blind~ 0.400, specialist 0.250, before? 0.450; verified 0.500" in text
    assert "visiongen bench run world-depth --weights tiny --mode verified" in text, "the name it ships under"
    assert "--specialist runs/specialist-depth" in text
    assert "visiongen train specialist-depth --minutes 12 --out runs/specialist-depth" in text


def test_rows_that_a_result_lacks_are_a_dash(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {"model": 0.5, "blind": 0.9, "draft": None})
    (run,) = collect.collect([tmp_path / "a"], [], ENTRY)["runs"]
    other = run | {
        "benchmark": "world-normals",
        "rows": run["rows"] | {"draft": {"AbsRel": [0.7, None, None]}},
    }
    other |= {"primary": "AbsRel"}
    head, first, _, third = lines_of({"runs": [run, other]})
    assert "specialist" not in head and "on the truth's past" not in head, "columns without any figure"
    assert first[head.index("draft")] == "-" and third[head.index("draft")] == "0.700"
    assert first[-1] == "blind~", "the model is ahead, and no difference is shown"


def test_an_earlier_specialist_row_is_kept_and_marked(tmp_path: Path) -> None:
    unet = tmp_path / "specialist-depth"
    unet.mkdir()
    (unet / "weights.json").write_text(json.dumps({"sha256": UNET, "minutes": 12.4}))
    write_run(tmp_path / "old", {"model": 0.45, "specialist": 0.25}, sha=OTHER)
    old = collect.collect([tmp_path / "old"], [unet], dataclasses.replace(ENTRY, sha256=OTHER))
    write_run(tmp_path / "new", {"model": 0.5, "blind": 0.9})
    new = collect.collect([tmp_path / "new"], [], ENTRY)
    facts = kept.keep(new, old)
    head, first, _ = lines_of(facts)
    assert first[head.index("specialist")] == "0.250† (12 min)" and first[-1] == "blind~, specialist?"
    text = tables.scores(facts)
    assert kept.MEANS in text and "visiongen train specialist-depth --minutes 12" in text
    assert "--specialist" not in text, "the command makes the rows that were made"
    (run,) = old["runs"]
    for changes in ({"version": "0.9"}, {"images": 99}, {"split": "val"}, {"rows": {}}):
        assert kept.keep(new, {"runs": [run | changes]}) == new, changes
    assert kept.keep(old, {"runs": [run | {"rows": {"specialist": {}}}]}) == old, "own rows stay"


def test_figures_of_other_weights_partial_runs_and_doubles_are_refused(tmp_path: Path) -> None:
    values = {"model": 0.5}
    foreign = write_run(tmp_path / "foreign", values, sha=OTHER)
    keys = {"model": {f"seed{n}": f"k{n}" for n in range(99)}}
    partial = write_run(tmp_path / "partial", values, partial=True, n_scored=99, keys=keys)
    twice = [write_run(tmp_path / name, values) for name in "ab"]
    for folders, word in (([foreign], "manifest"), ([partial], "partial"), (twice, "two runs")):
        with pytest.raises(InputError, match=word):
            collect.collect(folders, [], ENTRY)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The card and its results in a folder of their own."""
    for name in ("CARD", "RESULTS"):
        path = getattr(make_card, name)
        monkeypatch.setattr(make_card, name, Path(shutil.copy(path, tmp_path)))
    return tmp_path


def test_the_card_that_ships_is_what_its_files_say() -> None:
    assert make_card.main(["--check"]) == 0, "run: python docs/make_card.py"


def test_a_changed_figure_is_noticed_and_written_anew(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = make_card.CARD.read_text(encoding="utf-8")
    at = text.index("**0.") + len("**0.")
    make_card.CARD.write_text(
        text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :], encoding="utf-8"
    )
    assert make_card.main(["--check"]) == 1 and "tiny.md" in capsys.readouterr().err
    assert make_card.main([]) == 0 and make_card.CARD.read_text(encoding="utf-8") == text
    facts = json.loads(make_card.RESULTS.read_text())
    facts["weights"]["sha256"] = OTHER
    make_card.RESULTS.write_text(json.dumps(facts))
    assert make_card.main(["--check"]) == 1 and "manifest" in capsys.readouterr().err


def test_minutes_add_up_to_the_manifest_s(tmp_path: Path) -> None:
    text = training.TABLE.read_text(encoding="utf-8")
    assert training.problems() == []
    longer = tmp_path / "training.toml"
    longer.write_text(
        text + '\n[[run]]\nweights = "tiny"\nrecipe = "unheard-of"\nminutes = 7\nsteps = 1\nwhat = "x"\n'
    )
    total = weights.entry("tiny").minutes
    told = training.problems(longer)
    assert any(f"{total + 7:g}" in line for line in told) and any("unheard-of" in line for line in told)
    longer.write_text(text.replace('"tiny-paint-13"', '"tiny-paint-1"'))  # the beginning of a name is none
    assert [line for line in training.problems(longer) if "tiny-paint-1 is not named" in line]
    longer.write_text('[[run]]\nweights = "tiny"\n')
    with pytest.raises(InputError, match="run 1"):
        training.runs(longer)


def test_sizes_are_those_of_the_file() -> None:
    from safetensors import safe_open

    with safe_open(str(weights.path("tiny")), "np") as file:
        shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118
    assert training.shapes(weights.path("tiny")) == shapes


@pytest.mark.parametrize(
    "value, text",
    [
        (0.24742, "0.247"), (21.249, "21.2"), (0.04216, "0.0422"), (0.00071, "0.0007"), (0, "0"),
        (1.0, "1.00"), (2.6349, "2.63"), (151.26, "151"), (None, "-"), (3e-6, "< 0.0001"), (-0.5, "-0.500"),
        (0.99999, "1.000"),
    ],
)  # fmt: skip
def test_digits(value: float | None, text: str) -> None:
    assert tables.digits(value) == text


def test_only_what_lies_between_markers_is_written() -> None:
    text = "a\n<!-- begin one -->\nold\n<!-- end one -->\nb\n<!-- begin two -->\n<!-- end two -->\n"
    new = page.filled(text, {"one": "1\n2", "two": ""}, "x.md")
    assert new == text.replace("old", "1\n2")
    assert page.filled(new, {"one": "old", "two": ""}, "x.md") == text
    with pytest.raises(InputError, match="three"):
        page.filled(text, {"one": "", "two": "", "three": ""}, "x.md")


def test_commands_are_folded_between_options() -> None:
    words = [
        "visiongen",
        "bench",
        "run",
        *(f"name-{n}" for n in range(20)),
        "--data",
        "A ROOT",
        "--rows",
        "x",
    ]
    lines = tables.folded(words)
    assert len(lines) > 1 and shlex.split(" ".join(line.removesuffix("\\") for line in lines)) == words
    assert not any(line.removesuffix(" \\").split()[-1].startswith("--") for line in lines)


def test_speed_and_cost_are_those_of_the_reports() -> None:
    env = {"cpu": "a chip", "threads": 2, "cpus": 4, "load": [0.25, 0, 0]}
    row = {"ratio": 8.26, "ratio_spread": [5.2, 9.7], "ours": 0.2171, "peer": 1.6, "equal": True}
    report = {
        "rows": [row | {"name": "verified-vs-sequential/depth"}, row | {"name": "metrics/pq"}],
        "sizes": [[240, 320]],
        "dtype": "float32",
        "env": env,
    }
    text = sections.speed(report)
    assert "| verified against sequential, depth | 8.26 [5.20, 9.70] | 0.217 | 1.60 | yes |" in text
    assert "pq" not in text and "a chip, 2 threads of 4 cores, load 0.2" in text
    assert sections.speed({**report, "rows": report["rows"][1:]}) == "" and sections.speed(None) == ""
    used = {
        "width": 512,
        "height": 384,
        "mode": "draft",
        "tile": False,
        "seconds": 1.5,
        "processor_seconds": 4,
    }
    text = sections.cost({"rows": [used | {"peak_bytes": 940_000_000}], "rounds": 3, "env": env})
    assert "| 512 x 384, draft | 1.50 | 4.00 | 0.94 |" in text and "--large" not in text
    large = used | {"width": 4000, "height": 3000, "tile": True, "peak_bytes": 1}
    assert "make_cost.py --large\n" in sections.cost({"rows": [large], "rounds": 3, "env": env})


def test_figures_of_an_older_protocol_are_named() -> None:
    now = load_protocol("world-depth")["version"]
    run = {"benchmark": "world-depth", "version": now}
    assert facts.outdated({"runs": [run]}) == []
    (told,) = facts.outdated({"runs": [run | {"version": "0.1"}]})
    assert told == f"world-depth: measured by version 0.1, which is {now} now; measure anew"
    guard = {"benchmark": "world-incontext", "version": "0.1"}
    assert len(facts.outdated({"runs": [], "incontext": guard, "generation": {"version": "0.1"}})) == 2


def test_the_release_before_stands_beside_figures_of_one_version_alone() -> None:
    rows = {name: {"mIoU": {"value": 0.1, "low": 0.1, "high": 0.2}} for name in ("blind", "1", "ceiling")}
    report = {"version": "2.0", "rows": rows, "episodes": 3, "mode": "draft"}
    assert "| before |" in sections.incontext(report, report)
    assert "| before |" not in sections.incontext(report, report | {"version": "1.0"})


def test_failed_images_of_other_rows_are_told_in_their_cells(tmp_path: Path) -> None:
    failures = [
        {"row": row, "id": f"seed{n}", "error": "broke"}
        for row, n in (("model", 0), ("draft", 1), ("draft", 2))
    ]
    values = {"model": 0.5, "blind": 0.9, "draft": 0.75, "specialist": 0.25}
    write_run(tmp_path / "a", values, failures=failures, n_scored=99, n_failed=1)
    made = collect.collect([tmp_path / "a"], [], ENTRY)
    head, first, _ = lines_of(made)
    row = dict(zip(head, first, strict=True))
    assert row["draft"] == "0.750 (2 failed)" and row["blind"] == "0.900" and "1 failed" in row["benchmark"]
    (run,) = made["runs"]
    assert run["failed_rows"] == {"draft": 2}
    plain = {"runs": [{name: value for name, value in run.items() if name != "failed_rows"}]}
    assert lines_of(plain)[1][head.index("draft")] == "0.750", "results files as older versions wrote them"
    old = {"runs": [run | {"failed_rows": {"specialist": 3}}]}
    new = {"runs": [run | {"rows": {n: r for n, r in run["rows"].items() if n != "specialist"}}]}
    (kept_run,) = kept.keep(new, old)["runs"]
    assert kept_run["failed_rows"] == {"draft": 2, "specialist": 3}


def test_the_release_before_is_made_of_whole_runs_too(tmp_path: Path) -> None:
    draft = {"mode": "draft", "seed": 0, "legend_seed": None, "legend": None}
    chosen = draft | {"mode": "verified", "options": {"trust": 1}}
    for number, sample in enumerate((draft, chosen)):
        folder = tmp_path / str(number)
        write_run(folder / "depth", {"model": 0.4}, sample=sample)
        with pytest.raises(InputError, match="give whole runs of mode verified"):
            make_card.earlier(folder)
    for name in "ab":
        write_run(tmp_path / "twice" / name, {"model": 0.4})
    with pytest.raises(InputError, match="two runs of world-depth/test"):
        make_card.earlier(tmp_path / "twice")


def test_reports_are_those_of_the_commands_under_them() -> None:
    known = json.loads(make_card.RESULTS.read_text())
    for name in ("incontext", "generation", "speed", "cost"):
        facts.check_asked("x.json", name, known[name])
    guard, maps = known["generation"], known["generation"]["maps"]
    few = {"model": guard["nothing"]["rows"]["model"] | {"photos": 4}}
    others = [
        ("incontext", "episodes", known["incontext"] | {"episodes": 8}),
        ("incontext", "mode", known["incontext"] | {"mode": "draft"}),
        ("incontext", "seed", known["incontext"] | {"seed": 1}),
        ("generation", "frames", guard | {"maps": maps | {"frames": 2}}),
        ("generation", "mode", guard | {"maps": maps | {"mode": "draft"}}),
        ("generation", "count", guard | {"nothing": guard["nothing"] | {"rows": few}}),
        ("generation", "seed", guard | {"seed": 1}),
    ]
    for name, option, report in others:
        with pytest.raises(InputError, match=rf"x\.json: measured with --{option} .*measure anew"):
            facts.check_asked("x.json", name, report)
    facts.check_asked("x.json", "generation", guard | {"nothing": None})


def test_the_memory_is_the_most_of_all_turns() -> None:
    import make_cost

    turns = [{"seconds": s, "peak_bytes": b, "sha256": OURS} for s, b in ((2.0, 5), (1.0, 3), (3.0, 9))]
    assert make_cost.summary(turns) == {"seconds": 1.0, "peak_bytes": 9}
