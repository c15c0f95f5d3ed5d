"""What a folder dataset's protocol says in words: averaging, failures, the blind guess."""

from __future__ import annotations

from visiongen.benchmarks.datasets.folder_keys import FolderSpec

# Task -> (averaging, failed, blind guess from {it}).
WORDS = {
    "semantic": (
        "one confusion matrix over the whole split",
        "every labelled pixel of a failed image is a miss",
        "the class most frequent in each image row of {it}",
    ),
    "depth": (
        "mean over images; NAME/pooled is over all pixels of all images",
        "every pixel counts as the end of the range with the larger |p-g|/g; the same for NaN pixels",
        "median ln depth of each image row of {it}",
    ),
    "normals": (
        "all pixels of all images pooled; NAME/per_image is the mean of per-image values",
        "180 degrees at every scored pixel; the same for NaN pixels",
        "mean normal of each image row of {it}",
    ),
    "salient": ("mean over images", "MAE 1, everything else 0", "mean mask of {it}"),
    "matting": (
        "mean over images; SAD in thousands of pixels",
        "the opposite of the truth at every pixel",
        "mean alpha of {it}",
    ),
    "edges": (
        "ODS: the best threshold for the split; OIS: the best for each image; AP: area below the curve",
        "no edge was found in a failed image",
        "mean strength of each pixel of {it}",
    ),
    "referring": (
        "gIoU: mean over phrases; cIoU: sum of intersections by sum of unions; PrX: share of IoU >= X/100",
        "IoU 0, and the whole image counts in the union",
        "the blob with the highest mean IoU over {it}",
    ),
    "instance": (
        "COCO's AP over all instances of the split, IoU .50:.05:.95, no classes; scores count in 256 levels",
        "nothing was found in a failed image",
        "one instance: the blob with the highest mean IoU with the largest instance of {it}",
    ),
    "panoptic": (
        "PQ over the whole split by class, then the mean over classes (panopticapi)",
        "every segment of a failed image is missed",
        "the class most frequent in each image row of {it}; a segment each",
    ),
}
RESOLUTION = "scored at the labels' own size; what is painted is decoded first, then enlarged"


def texts(spec: FolderSpec, blind_split: str) -> dict[str, str]:
    """The protocol's keys averaging, resolution, failed and blind."""
    averaging, failed, blind = WORDS[spec.task]
    it = f"the first {spec.blind_images} of the split {blind_split}"
    if blind_split == spec.chosen_split():
        it += ", which is scored: a bar a little too high"
    return {
        "averaging": averaging,
        "resolution": RESOLUTION,
        "failed": failed,
        "blind": blind.format(it=it),
    }
