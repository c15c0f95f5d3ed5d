"""One registry for everything that can be added: tasks, codecs, backbones, benchmarks, datasets.

An entry is a name and a lazy target ``"module:attribute"``; nothing is imported until asked for,
so the core can name tasks and benchmarks without importing them.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator
from typing import Any

from visiongen.errors import UsageError


class Registry:
    """Names mapped to lazily imported objects."""

    def __init__(self, kind: str, entries: dict[str, str] | None = None) -> None:
        self.kind = kind
        self._targets: dict[str, str] = {}
        self._loaded: dict[str, Any] = {}
        for name, target in (entries or {}).items():
            self.add(name, target)

    def add(self, name: str, target: str) -> None:
        """Add ``name`` pointing at ``"module:attribute"``; a duplicate name raises UsageError."""
        if name in self._targets:
            raise UsageError(f"{self.kind} {name!r} is registered twice: choose another name")
        if ":" not in target:
            raise UsageError(f"{self.kind} {name!r}: target {target!r} must read 'module:attribute'")
        self._targets[name] = target

    def get(self, name: str) -> Any:
        """The object behind ``name``; an unknown name raises UsageError with the closest ones."""
        if name not in self._targets:
            close = difflib.get_close_matches(name, self._targets, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(self)}"
            raise UsageError(f"unknown {self.kind} {name!r}: {hint}")
        if name not in self._loaded:
            module, attribute = self._targets[name].split(":")
            self._loaded[name] = getattr(importlib.import_module(module), attribute)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __len__(self) -> int:
        return len(self._targets)


TASKS = Registry(
    "task",
    {
        "semantic": "visiongen.tasks.semantic:Semantic",
        "depth": "visiongen.tasks.depth:Depth",
        "normals": "visiongen.tasks.normals:Normals",
        "instance": "visiongen.tasks.instance:InstanceSegmentation",
        "panoptic": "visiongen.tasks.panoptic:Panoptic",
        "referring": "visiongen.tasks.referring:Referring",
        "basecolor": "visiongen.tasks.materials:BaseColour",
        "tangent": "visiongen.tasks.materials:TangentNormals",
        "orm": "visiongen.tasks.materials:Orm",
        "edges": "visiongen.tasks.edges:Edges",
        "matting": "visiongen.tasks.matting:Matting",
        "salient": "visiongen.tasks.salient:Salient",
        "image": "visiongen.tasks.image:Image",
        "incontext": "visiongen.tasks.incontext:InContext",
    },
)
CODECS = Registry(
    "codec",
    {
        "legend/nearest@1": "visiongen.tasks.codecs.legend:LegendNearest",
        "legend/posterior@1": "visiongen.tasks.codecs.legend_posterior:LegendPosterior",
        "instance/distinct@1": "visiongen.tasks.codecs.instance:DistinctInstances",
        "instance/centre@1": "visiongen.tasks.codecs.instance_centre:CentreInstances",
        "panoptic/border@1": "visiongen.tasks.codecs.panoptic:BorderPanoptic",
        "depth/cubewalk@1": "visiongen.tasks.codecs.depth:CubeWalk",
        "depth/cubewalk@2": "visiongen.tasks.codecs.depth:CubeWalkEdges",
        "depth/disparity@1": "visiongen.tasks.codecs.depth:GrayDisparity",
        "depth/graylog@1": "visiongen.tasks.codecs.depth:GrayLog",
        "normals/opengl@1": "visiongen.tasks.codecs.normals:OpenGLNormals",
        "material/orm@1": "visiongen.tasks.codecs.material:OrmMaterial",
        "material/basecolor@1": "visiongen.tasks.codecs.material:BaseColour",
        "image/rgb@1": "visiongen.tasks.codecs.image:RgbImage",
        "alpha/gray@1": "visiongen.tasks.codecs.gray:AlphaGray",
        "edges/gray@1": "visiongen.tasks.codecs.gray:EdgesGray",
        # Other painters' conventions.
        "legend/painter@1": "visiongen.tasks.codecs.importers.painter:PainterPalette",
        "depth/visionbanana@1": "visiongen.tasks.codecs.importers.depth:VisionBananaDepth",
        "depth/visionbanana-blue@1": "visiongen.tasks.codecs.importers.depth:VisionBananaDepthBlueFirst",
        "depth/hilbertmap@1": "visiongen.tasks.codecs.importers.depth:HilbertMap",
        "depth/marigold@1": "visiongen.tasks.codecs.importers.depth:MarigoldDepth",
        "depth/painter@1": "visiongen.tasks.codecs.importers.depth:PainterDepth",
        "normals/visionbanana@1": "visiongen.tasks.codecs.importers.normals:VisionBananaNormals",
        "normals/dsine@1": "visiongen.tasks.codecs.importers.normals:DSINENormals",
        "normals/directx@1": "visiongen.tasks.codecs.importers.normals:DirectXNormals",
        "normals/opencv@1": "visiongen.tasks.codecs.importers.normals:OpenCVNormals",
        "material/gltf@1": "visiongen.tasks.codecs.importers.material:GltfMetallicRoughness",
        "material/marigold-iid@1": "visiongen.tasks.codecs.importers.material:MarigoldMaterial",
        "material/rgbx-channel@1": "visiongen.tasks.codecs.importers.material:RgbxChannel",
        "material/albedo-power@1": "visiongen.tasks.codecs.importers.material:PowerAlbedo",
    },
)
BACKBONES = Registry("backbone", {"embedded": "visiongen.backbones.embedded:EmbeddedBackbone"})
BENCHMARKS = Registry(
    "benchmark",
    {
        "camvid11": "visiongen.benchmarks.datasets.camvid11:BENCHMARK",
        "camvid32": "visiongen.benchmarks.datasets.camvid32:BENCHMARK",
        "ade20k": "visiongen.benchmarks.datasets.ade20k:BENCHMARK",
        "cityscapes": "visiongen.benchmarks.datasets.cityscapes:BENCHMARK",
        "voc2012": "visiongen.benchmarks.datasets.voc2012:BENCHMARK",
        "pascal-context-59": "visiongen.benchmarks.datasets.pascal_context:CONTEXT_59",
        "pascal-context-60": "visiongen.benchmarks.datasets.pascal_context:CONTEXT_60",
        "coco-stuff-164k": "visiongen.benchmarks.datasets.coco_stuff:STUFF_164K",
        "coco-stuff-10k": "visiongen.benchmarks.datasets.coco_stuff:STUFF_10K",
        "nyuv2-40": "visiongen.benchmarks.datasets.nyuv2_40:BENCHMARK",
        "comma10k": "visiongen.benchmarks.datasets.comma10k:BENCHMARK",
        "acdc": "visiongen.benchmarks.datasets.acdc:BENCHMARK",
        "smiyc-anomaly": "visiongen.benchmarks.datasets.smiyc:ANOMALY",
        "smiyc-obstacle": "visiongen.benchmarks.datasets.smiyc:OBSTACLE",
        "road-anomaly": "visiongen.benchmarks.datasets.smiyc:ROAD_ANOMALY",
        "lost-and-found": "visiongen.benchmarks.datasets.lost_and_found:LOST_AND_FOUND",
        "fishyscapes-laf": "visiongen.benchmarks.datasets.lost_and_found:FISHYSCAPES",
        "ecssd": "visiongen.benchmarks.datasets.ecssd:BENCHMARK",
        "matting-alpha": "visiongen.benchmarks.datasets.matting_alpha:BENCHMARK",
        "bsds500": "visiongen.benchmarks.datasets.bsds500:BENCHMARK",
        "duts-te": "visiongen.benchmarks.datasets.saliency_sets:DUTS_TE",
        "hku-is": "visiongen.benchmarks.datasets.saliency_sets:HKU_IS",
        "pascal-s": "visiongen.benchmarks.datasets.saliency_sets:PASCAL_S",
        "dut-omron": "visiongen.benchmarks.datasets.saliency_sets:DUT_OMRON",
        "composition-1k": "visiongen.benchmarks.datasets.matting_sets:COMPOSITION_1K",
        "p3m-500-p": "visiongen.benchmarks.datasets.matting_sets:P3M_500_P",
        "p3m-500-np": "visiongen.benchmarks.datasets.matting_sets:P3M_500_NP",
        "aim-500": "visiongen.benchmarks.datasets.matting_sets:AIM_500",
        "nyuv2-depth": "visiongen.benchmarks.datasets.depth_sets:NYUV2",
        "kitti-eigen": "visiongen.benchmarks.datasets.kitti:EIGEN_SPLIT",
        "kitti-eigen-garg": "visiongen.benchmarks.datasets.kitti:GARG_SPLIT",
        "eth3d": "visiongen.benchmarks.datasets.depth_sets:ETH3D",
        "scannet-depth": "visiongen.benchmarks.datasets.depth_sets:SCANNET",
        "diode": "visiongen.benchmarks.datasets.depth_sets:DIODE",
        "ibims-1": "visiongen.benchmarks.datasets.ibims:DEPTH",
        "sintel-depth": "visiongen.benchmarks.datasets.sintel:DEPTH",
        "hypersim-depth": "visiongen.benchmarks.datasets.hypersim:DEPTH",
        "middlebury-2014": "visiongen.benchmarks.datasets.middlebury:DEPTH",
        "refcoco": "visiongen.benchmarks.datasets.refcoco:REFCOCO",
        "refcoco+": "visiongen.benchmarks.datasets.refcoco:REFCOCO_PLUS",
        "refcocog": "visiongen.benchmarks.datasets.refcoco:REFCOCOG",
        "pascal-5i-0": "visiongen.benchmarks.datasets.fewshot_sets:PASCAL_0",
        "pascal-5i-1": "visiongen.benchmarks.datasets.fewshot_sets:PASCAL_1",
        "pascal-5i-2": "visiongen.benchmarks.datasets.fewshot_sets:PASCAL_2",
        "pascal-5i-3": "visiongen.benchmarks.datasets.fewshot_sets:PASCAL_3",
        "coco-20i-0": "visiongen.benchmarks.datasets.fewshot_sets:COCO_0",
        "coco-20i-1": "visiongen.benchmarks.datasets.fewshot_sets:COCO_1",
        "coco-20i-2": "visiongen.benchmarks.datasets.fewshot_sets:COCO_2",
        "coco-20i-3": "visiongen.benchmarks.datasets.fewshot_sets:COCO_3",
        "coco-instance": "visiongen.benchmarks.datasets.coco_instances:COCO",
        "coco128": "visiongen.benchmarks.datasets.coco128:COCO128",
        "coco128-agnostic": "visiongen.benchmarks.datasets.coco128:AGNOSTIC",
        "stereo-mix": "visiongen.benchmarks.datasets.depth_mix:STEREO",
        "depth-mix": "visiongen.benchmarks.datasets.depth_mix:METRIC",
        "nyuv2-normals": "visiongen.benchmarks.datasets.normals_dsine:NYUV2",
        "scannet-normals": "visiongen.benchmarks.datasets.normals_dsine:SCANNET",
        "ibims-normals": "visiongen.benchmarks.datasets.normals_dsine:IBIMS",
        "sintel-normals": "visiongen.benchmarks.datasets.normals_dsine:SINTEL",
        "vkitti-normals": "visiongen.benchmarks.datasets.normals_dsine:VKITTI",
        "oasis-normals": "visiongen.benchmarks.datasets.normals_dsine:OASIS",
        "nyuv2-normals-marigold": "visiongen.benchmarks.datasets.normals_marigold:NYUV2",
        "scannet-normals-marigold": "visiongen.benchmarks.datasets.normals_marigold:SCANNET",
        "ibims-normals-marigold": "visiongen.benchmarks.datasets.normals_marigold:IBIMS",
        "diode-normals-marigold": "visiongen.benchmarks.datasets.normals_marigold:DIODE",
        "oasis-normals-marigold": "visiongen.benchmarks.datasets.normals_marigold:OASIS",
        "normals-mix": "visiongen.benchmarks.datasets.normals_mix:BENCHMARK",
        "lvis": "visiongen.benchmarks.datasets.lvis:LVIS",
        "cityscapes-instance": "visiongen.benchmarks.datasets.cityscapes_instances:BENCHMARK",
        "coco-panoptic": "visiongen.benchmarks.datasets.coco_panoptic:COCO",
        "cityscapes-panoptic": "visiongen.benchmarks.datasets.cityscapes_panoptic:BENCHMARK",
        "panoptic-samples": "visiongen.benchmarks.datasets.panoptic_samples:BENCHMARK",
        "painted-wall": "visiongen.benchmarks.datasets.painted_wall:BENCHMARK",
        "painted-wall-normals": "visiongen.benchmarks.datasets.painted_wall:NORMALS",
        "painted-wall-classes": "visiongen.benchmarks.datasets.painted_wall:CLASSES",
        "matsynth": "visiongen.benchmarks.datasets.matsynth:BENCHMARK",
        "deschaintre2018": "visiongen.benchmarks.datasets.deschaintre:BENCHMARK",
        "interiorverse": "visiongen.benchmarks.datasets.intrinsics:INTERIORVERSE",
        "hypersim-iid": "visiongen.benchmarks.datasets.intrinsics:HYPERSIM",
        "pbr-mix": "visiongen.benchmarks.datasets.pbr_mix:BENCHMARK",
        "world-semantic": "visiongen.benchmarks.datasets.world:SEMANTIC",
        "world-depth": "visiongen.benchmarks.datasets.world:DEPTH",
        "world-normals": "visiongen.benchmarks.datasets.world:NORMALS",
        "world-instance": "visiongen.benchmarks.datasets.world:INSTANCE",
        "world-panoptic": "visiongen.benchmarks.datasets.world:PANOPTIC",
        "world-referring": "visiongen.benchmarks.datasets.world:REFERRING",
        "world-basecolor": "visiongen.benchmarks.datasets.world:BASECOLOR",
        "world-orm": "visiongen.benchmarks.datasets.world:ORM",
        "world-edges": "visiongen.benchmarks.datasets.world:EDGES",
        "world-salient": "visiongen.benchmarks.datasets.world:SALIENT",
        "world-matting": "visiongen.benchmarks.datasets.world:MATTING",
    },
)
SOURCES = Registry(
    "training source",
    {
        "world": "visiongen.training.sources.world:WorldSource",
        "camvid11": "visiongen.training.sources.camvid:CamVidSource",
        "photos": "visiongen.training.sources.photos:PhotoSource",
        "shapes": "visiongen.training.sources.shapes:ShapesSource",
        "surfaces": "visiongen.training.sources.surfaces:SurfaceSource",
        "ecssd": "visiongen.training.sources.ecssd:EcssdSource",
        "mattes": "visiongen.training.sources.mattes:MatteSource",
        "bsds": "visiongen.training.sources.bsds:BsdsSource",
        "episodes": "visiongen.training.sources.episodes:EpisodeSource",
        "folder": "visiongen.benchmarks.datasets.folder_source:FolderSource",
    },
)
TARGETS = Registry(
    "training target",
    {
        "semantic": "visiongen.training.targets:semantic",
        "depth": "visiongen.training.targets:depth",
        "normals": "visiongen.training.targets:normals",
        "instance": "visiongen.training.targets.things:instance",
        "panoptic": "visiongen.training.targets.things:panoptic",
        "referring": "visiongen.training.targets.things:referring",
        "basecolor": "visiongen.training.targets.materials:basecolor",
        "orm": "visiongen.training.targets.materials:orm",
        "edges": "visiongen.training.targets.gray:edges",
        "salient": "visiongen.training.targets.gray:salient",
        "matting": "visiongen.training.targets.gray:matting",
    },
)
