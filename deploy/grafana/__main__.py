"""Writes the dashboards of `panels.py` as JSON that Grafana loads: `python -m deploy.grafana [FOLDER]`."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana.panels import BOARDS, Board, Panel

OUTPUT = Path(__file__).with_name("dashboards")
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
ALL = VariableOption(selected=True, text="All", value="$__all")
_SPANS = {"stat": 4, "graph": 8, "table": 8}  # of the 24 columns
_HEIGHT = 7


def dashboard(board: Board) -> builders.Dashboard:
    """Return the builder of a dashboard."""
    made = builders.Dashboard(board.title).uid(board.uid).tags(["dockfleet"]).readonly().refresh("30s")
    made = made.time("now-1h", "now").timezone("browser")
    made = made.with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for name, query in board.variables:
        made = made.with_variable(_variable(name, query))
    numbers = itertools.count(1)
    for title, panels in board.rows:
        made = made.with_row(builders.Row(title).id(next(numbers)))
        for panel in panels:
            made = made.with_panel(_panel(panel).id(next(numbers)))
    return made


def _variable(name: str, query: str) -> builders.QueryVariable:
    made = builders.QueryVariable(name).label(name).query(query).datasource(SOURCE)
    return (
        made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).multi(True).include_all(True).all_value(".*").current(ALL)
    )


def _panel(panel: Panel) -> Any:
    makers: dict[str, Any] = {"stat": stat.Panel, "graph": timeseries.Panel, "table": table.Panel}
    made = makers[panel.kind]().title(panel.title).datasource(SOURCE).unit(panel.unit)
    made = made.span(_SPANS[panel.kind]).height(_HEIGHT)
    if panel.meaning:
        made = made.description(panel.meaning)
    if panel.kind == "graph":
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
        made = made.legend(legend.show_legend(True).calcs([])).tooltip(tooltip).fill_opacity(10).axis_soft_min(0)
    for number, (expr, title) in enumerate(panel.queries):
        query = prometheus.Dataquery().expr(expr).legend_format(title).ref_id(chr(ord("A") + number))
        if panel.kind == "table":  # its columns are the labels
            query = query.instant().format(PromQueryFormat.TABLE)
        made = made.with_target(query)
    return made


def write(folder: Path) -> None:
    """Write all dashboards into *folder*."""
    for board in BOARDS:
        text = JSONEncoder(sort_keys=True, indent=2).encode(dashboard(board).build())
        (folder / f"{board.uid}.json").write_text(text + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
