"""Report of the benchmark's results, as plain text in aligned columns."""

from collections.abc import Iterator
from typing import Any

from app.machine.tables import aligned

_TITLES = {
    "dense": "training, unpadded",
    "real": "training, real batches",
    "greedy": "greedy",
    "beam": "beam",
}


def table(found: dict[str, Any]) -> str:
    """Return a report of the benchmark's results, as tables in plain text.

    Args:
        found: the result of `run_benchmark`.
    """
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    profile = [[k, f"{share:.1%}"] for k, share in found["profile"].items()]
    heads = ["", "system", "a second", "lowest", "highest", "ours over it"]
    return "\n".join(
        [
            f"{found['preset']}: {found['parameters']:,} parameters, on "
            f"{found['device']} ({found['processor']})",
            versions,
            "",
            *aligned(list(_figures(found)), "<><"),
            "",
            *aligned(list(_rates(found["systems"])), "<<>>>>", heads),
            "",
            "Where the time of training goes, over all cores:",
            *aligned(profile, "<>"),
            *_scaling(found["scaling"]),
        ]
    )


def _figures(found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield a row of a table for each result that is a single number.

    A row has the name of the result, its value, and a unit or an explanation.
    """
    train, startup = found["train"], found["startup"]
    mega_flops = train["flops_per_target_token"] / 1e6
    yield ["Products here", f"{found['gemm_gflops']:,.1f}", "GFLOP/s"]
    yield ["A target token takes", f"{mega_flops:,.1f}", "MFLOP"]
    yield ["Share of the peak", f"{train['fraction_of_peak']:.1%}", ""]
    yield [
        "Share of the products",
        f"{train['fraction_of_products']:.1%}",
        "of the time they take alone",
    ]
    yield [
        "Waiting for batches",
        f"{train['fraction_waited']:.1%}",
        "of an epoch",
    ]
    yield [
        "Beam, share of its steps",
        f"{found['beam']['fraction_of_step']:.1%}",
        "of the sentences that its steps alone allow",
    ]
    yield ["Peak memory", f"{found['peak_memory_mib']:,.0f}", "MiB"]
    yield [
        "Start of translate",
        f"{startup['seconds']:,.2f}",
        f"s of processor time, and {startup['tensorflow_seconds']:.2f} s to "
        "import TensorFlow",
    ]
    yield ["--help", f"{startup['help_seconds']:,.2f}", "s"]


def _rates(systems: dict[str, Any]) -> Iterator[list[str]]:
    for kind, title in _TITLES.items():
        for name, rates in systems.items():
            if kind in rates:
                rate = rates[kind]
                speeds = (rate[k] for k in ("per_second", "lowest", "highest"))
                yield [
                    title,
                    name,
                    *(f"{speed:,.1f}" for speed in speeds),
                    f"{rate['ours_over_it']:.2f}",
                ]
                title = ""


def _scaling(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    yield from ("", "Unpadded training with one size changed, tokens a second:")
    rows = []
    for axis, points in found.items():
        title = axis.replace("_", " ")
        for point in points:
            speed = point["target_tokens_per_second"]
            rows.append([title, f"{point['value']:,}", f"{speed:,}"])
            title = ""
    yield from aligned(rows, "<>>")
