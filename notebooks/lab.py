"""What the notebooks share: where a run is, how a backend looks, and how a number is written.

Nothing here computes a result; that stands in the notebooks, to be read and changed.
"""

import html
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
from IPython.display import display
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

# Colour and marker of a backend, as in svclab's own charts (reports/src/sections/chart/mark.rs).
LOOKS = {
    "direct": ("#80868c", "8"),
    "iptables-legacy": ("#d55e00", "^"),
    "iptables-nft": ("#cc659d", "s"),
    "ipvs": ("#009e73", "v"),
    "nftables": ("#2288d3", "D"),
}
# Of a backend's further lines, which are hollow.
DASHES = {"ipvs (batched)": (0, (5, 2)), "ipvs (ipvsadm)": (0, (1.5, 2))}

# What lines and rows are about, in the order of tables and legends.
VARIANTS = pl.Enum(
    [
        "direct",
        "iptables-legacy",
        "iptables-nft",
        "ipvs",
        "ipvs (kube-proxy)",
        "ipvs (batched)",
        "ipvs (ipvsadm)",
        "nftables",
    ]
)

# Human units of the base units: times, and what stands in their place where instructions are counted.
UNITS = {
    ("ns", "wall"): [("ns", 1), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)],
    ("ns", "instructions"): [("instr", 1), ("k instr", 1e3), ("M instr", 1e6), ("G instr", 1e9)],
    ("bit/s", "wall"): [("bit/s", 1), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9)],
    ("bit/s", "instructions"): [("bit/M instr", 1e3), ("bit/k instr", 1e6), ("bit/instr", 1e9)],
    ("bytes", "wall"): [("B", 1), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30)],
}

# What a probe leaves of the way in which a node was loaded: those that only send packets do not depend on it.
PROGRAMS = ["sync_full", "sync_change", "endpoint_change", "remove_service", "append_rule", "reload", "churn"]


@dataclass
class Run:
    """A run's two tables, and what its numbers are of."""

    folder: Path
    samples: pl.DataFrame
    summary: pl.DataFrame
    id: str
    scenario: str
    target: str
    clock: str
    kernel: str

    def __str__(self):
        what = "instructions of the whole guest" if self.clock == "instructions" else "times"
        return f"{self.id}: scenario {self.scenario} on {self.target}, kernel {self.kernel}; its numbers are {what}"

    def human(self, value, unit="ns"):
        """`value`, in base units, with the unit that suits it: 12.3 µs, 312 k instr."""
        return human(value, unit, self.clock)

    def variants(self, *where, **equal):
        """The backends in what is left of the summary, in their usual order."""
        return self.summary.filter(*where, **equal).get_column("variant").unique().sort().to_list()


def folder(default):
    """The run's folder: that of the environment variable SVCLAB_RUN, or `default`."""
    return Path(os.environ.get("SVCLAB_RUN", default))


def read(folder):
    """Reads the Parquet files of the run in `folder`."""
    folder = Path(folder)
    tables = []
    for name in ("samples", "summary"):
        file = folder / f"{name}.parquet"
        if not file.exists():
            raise FileNotFoundError(
                f"{file} is not there; make it with: svclab report {folder} --format parquet --out {folder}"
            )
        tables.append(pl.read_parquet(file).with_columns(variant()))
    samples, summary = tables
    first = summary.row(0, named=True)
    return Run(
        folder, samples, summary, first["run"], *(first[name] for name in ("scenario", "target", "clock", "kernel"))
    )


def variant():
    """A backend with the way it was programmed, where that is not its only one: ipvs (batched)."""
    told = pl.col("probe").is_in(PROGRAMS) & (pl.col("backend") == "ipvs")
    name = pl.when(told).then(pl.format("{} ({})", "backend", "way")).otherwise(pl.col("backend"))
    return name.cast(VARIANTS).alias("variant")


def look(variant):
    """How the line of a variant is drawn."""
    colour, marker = LOOKS[variant.split(" ")[0]]
    look = {"color": colour, "marker": marker, "label": variant, "linewidth": 1.6, "markersize": 6}
    if variant in DASHES:
        look |= {"linestyle": DASHES[variant], "markerfacecolor": "white", "markeredgewidth": 1.6}
    return look


def digits(value, count=3):
    """`value` with `count` significant digits, in plain decimals."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    exponent = int(f"{value:.{count - 1}e}".split("e")[1])
    places = count - 1 - exponent
    return f"{value:,.{places}f}" if places >= 0 else f"{round(value, places):,.0f}"


def human(value, unit, clock):
    """`value`, in base units, with the unit that suits it."""
    if value is None:
        return "–"
    steps = UNITS.get((unit, clock)) or UNITS.get((unit, "wall")) or [(unit if unit != "count" else "", 1)]
    label, factor = next((step for step in reversed(steps) if abs(value) >= 0.9995 * step[1]), steps[0])
    return f"{digits(value / factor)} {label}".strip()


def chart(title, unit, clock, columns=1, size=(8.2, 4.4)):
    """Axes with the number of Services along them and `unit` up them, both logarithmic."""
    figure, axes = plt.subplots(1, columns, figsize=size, layout="constrained", sharey=True, squeeze=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    for ax in axes[0]:
        ax.set(xscale="log", yscale="log", xlabel="Services")
        ax.xaxis.set_major_locator(Decades())
        # Bytes go by powers of two.
        ax.yaxis.set_major_locator(LogLocator(base=16, numticks=12) if unit == "bytes" else Decades())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, unit, clock)))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes[0][0] if columns == 1 else axes[0]


class Decades(LogLocator):
    """A label a decade, and more of them where there are few decades."""

    def tick_values(self, low, high):
        self.set_params(subs=(1, 2, 5) if high < 60 * low else (1,), numticks=20)
        return super().tick_values(low, high)


def short(value, unit, clock):
    """A label of an axis: 1 ms rather than 1.00 ms."""
    number, _, label = human(value, unit, clock).partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {label}".strip()


def line(ax, variant, table, x="services", y="p50"):
    """A line of `table`, with its intervals where it has any. What is not positive has no place on a logarithmic axis."""
    table = table.filter(pl.col(y) > 0).sort(x)
    style = look(variant)
    ax.plot(table[x], table[y], **style)
    if {"ci_low", "ci_high"} <= set(table.columns):
        known = table.drop_nulls("ci_low")
        low = known.select(pl.max_horizontal("ci_low", pl.col(y) / 10)).to_series()
        ax.vlines(known[x], low, known["ci_high"], color=style["color"], linewidth=4, alpha=0.35)


def legend(ax, **options):
    """The legend, beside the lines rather than on them."""
    ax.legend(frameon=False, fontsize=9, **({"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} | options))


def show(table):
    """A table as one reads it: whole, names to the left and numbers to the right, without the types of its columns."""
    columns = [written(column) for column in table]
    left = [not column.dtype.is_numeric() and not numbers(column) for column in table]

    def row(tag, cells):
        sides = ["left" if text else "right" for text in left]
        fields = [f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>' for cell, side in zip(cells, sides)]
        return f"<tr>{''.join(fields)}</tr>"

    # A line a row, so that a change of one number is a change of one line.
    body = "\n".join(row("td", cells) for cells in zip(*columns))
    page = f"<table><thead>{row('th', table.columns)}</thead><tbody>\n{body}\n</tbody></table>"
    options = {"tbl_rows": -1, "tbl_cols": -1, "tbl_hide_column_data_types": True, "tbl_hide_dataframe_shape": True}
    with pl.Config(**options, fmt_str_lengths=400, tbl_width_chars=140):
        display({"text/html": page, "text/plain": str(table)}, raw=True)


def written(column):
    """What stands in a column: numbers with thousands apart, and with as many decimals as the others, two at most."""
    if not column.dtype.is_numeric():
        return [str(value or "") for value in column]
    known = column.drop_nulls()
    decimals = (
        0
        if column.dtype.is_integer()
        else max((min(len(f"{value:.4g}".partition(".")[2]), 2) for value in known), default=0)
    )
    return ["" if value is None else f"{value:,.{decimals}f}" for value in column]


def numbers(column):
    """Whether a column of text holds numbers with their units, such as 12.3 ms or ≥ 5,000."""
    return column.dtype == pl.String and all(re.match(r"^[-+–≥\d]|^$", value or "") for value in column)


plt.rcParams.update(
    {"figure.dpi": 96, "savefig.dpi": 96, "font.size": 9.5, "axes.titlesize": 10, "axes.edgecolor": "#666666"}
)
