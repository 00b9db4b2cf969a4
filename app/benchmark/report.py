"""The benchmark for people: aligned plain text."""

from collections.abc import Iterator
from typing import Any

_WHAT = {
    "dense": "training, unpadded",
    "real": "training, real batches",
    "greedy": "greedy",
    "beam": "beam",
}


def table(found: dict[str, Any]) -> str:
    """What `benchmark` found, a line each."""
    train = found["train"]
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    return "\n".join(
        [
            f"{found['preset']}: {found['parameters']:,} parameters, on "
            f"{found['device']} ({found['processor']})",
            versions,
            "",
            f"{'Products here':<26}{found['gemm_gflops']:>10,.1f}  GFLOP/s",
            f"{'A target token takes':<26}"
            f"{train['flops_per_target_token'] / 1e6:>10,.1f}  MFLOP",
            f"{'Share of the peak':<26}{train['fraction_of_peak']:>10.1%}",
            f"{'Share of the products':<26}"
            f"{train['fraction_of_products']:>10.1%}  of the time they take "
            "alone",
            f"{'Waiting for batches':<26}{train['fraction_waited']:>10.1%}  of "
            "an epoch",
            f"{'Beam, share of its steps':<26}"
            f"{found['beam']['fraction_of_step']:>10.1%}  of the sentences "
            "that its steps alone allow",
            f"{'Peak memory':<26}{found['peak_memory_mib']:>10,.0f}  MiB",
            *_startup(found["startup"]),
            "",
            f"{'':<26}{'system':<14}{'a second':>10}{'lowest':>10}"
            f"{'highest':>10}{'ours over it':>14}",
            *_rows(found["systems"]),
            "",
            "Where the time of training goes, over all cores:",
            *(
                f"  {kind:<40}{share:>8.1%}"
                for kind, share in found["profile"].items()
            ),
            *_scaling(found["scaling"]),
        ]
    )


def _startup(found: dict[str, float]) -> Iterator[str]:
    yield (
        f"{'Start of translate':<26}{found['seconds']:>10.2f}  s of processor "
        f"time, and {found['tensorflow_seconds']:.2f} s to import TensorFlow"
    )
    yield f"{'--help':<26}{found['help_seconds']:>10.2f}  s"


def _scaling(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    yield from ("", "Unpadded training with one size changed, tokens a second:")
    for axis, points in found.items():
        title = axis.replace("_", " ")
        for point in points:
            yield (
                f"  {title:<24}{point['value']:>10,}"
                f"{point['target_tokens_per_second']:>12,}"
            )
            title = ""


def _rows(systems: dict[str, Any]) -> Iterator[str]:
    for what, title in _WHAT.items():
        for name, rates in systems.items():
            if what in rates:
                rate = rates[what]
                yield (
                    f"{title:<26}{name:<14}{rate['per_second']:>10,.1f}"
                    f"{rate['lowest']:>10,.1f}{rate['highest']:>10,.1f}"
                    f"{rate['ours_over_it']:>14.2f}"
                )
                title = ""
