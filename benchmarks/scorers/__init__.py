"""One scorer a family of tasks; a new family is one file here and one line in ``SCORERS``."""

from __future__ import annotations

from typing import Any

from visiongen.benchmarks.scorers.base import Scorer
from visiongen.errors import UsageError
from visiongen.registry import Registry

_PLACE = "visiongen.benchmarks.scorers."
SCORERS = Registry(
    "scorer",
    {
        "semantic": _PLACE + "semantic:SemanticScorer",
        "depth": _PLACE + "depth:DepthScorer",
        "ibims": _PLACE + "ibims:IbimsScorer",
        "painted-wall": _PLACE + "wall:PaintedWallScorer",
        "painted-wall-normals": _PLACE + "wall:WallNormalsScorer",
        "painted-wall-classes": _PLACE + "wall:WallClassesScorer",
        "normals": _PLACE + "normals:NormalsScorer",
        "instance": _PLACE + "instance:InstanceScorer",
        "panoptic": _PLACE + "panoptic:PanopticScorer",
        "referring": _PLACE + "mask:MaskScorer",
        "basecolor": _PLACE + "maps:MapsScorer",
        "orm": _PLACE + "maps:MapsScorer",
        "edges": _PLACE + "gray:EdgesScorer",
        "salient": _PLACE + "gray:SalientScorer",
        "matting": _PLACE + "gray:MattingScorer",
        "anomaly": _PLACE + "anomaly:AnomalyScorer",
        "fewshot": _PLACE + "fewshot:FewShotScorer",
        "svbrdf": _PLACE + "svbrdf:SvbrdfScorer",
        "intrinsics": _PLACE + "intrinsics:IntrinsicsScorer",
        "coco": _PLACE + "coco:CocoScorer",
        "lvis": _PLACE + "lvis:LvisScorer",
        "cityscapes-instances": _PLACE + "cityscapes_instances:CityscapesInstancesScorer",
    },
)


def scorer_for(protocol: dict[str, Any]) -> Scorer:
    """The scorer of a protocol: the one its key ``scorer`` names, else its task's."""
    name = protocol.get("scorer", protocol["task"])
    if name not in SCORERS:
        raise UsageError(f"protocol {protocol['name']!r}: task {name!r} has no metrics")
    scorer: Scorer = SCORERS.get(name)(protocol)
    return scorer
