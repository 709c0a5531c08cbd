"""A network as boxes: all of a small one, the ends of a large one."""

from __future__ import annotations

from misstep.drawing.charts import LayerBox, network_chart
from misstep.drawing.charts.network import MOST_BOXES


def test_boxes_say_kind_shape_and_parameters() -> None:
    inside = (LayerBox("Dense", "residual1.dense1", "units 8", "8 numbers", 1234), LayerBox("ReLU"))
    drawing = network_chart(
        [LayerBox("Residual", "residual1", shape="8 numbers", inside=inside, skip=True)],
        title="A network",
        description="1,234 parameters",
        first="8 numbers",
    )
    svg = drawing.svg()
    for words in ("Dense", "units 8", "→ 8 numbers", "1,234", "a row also goes around it", "ReLU"):
        assert words in svg
    assert 'aria-label="A network. 1,234 parameters"' in svg


def test_the_middle_of_a_large_network_is_counted() -> None:
    block = LayerBox("Residual", inside=(LayerBox("Dense", parameters=10), LayerBox("Tanh")))
    svg = network_chart([block] * 1000, title="Large", description="").svg()
    left_out = 2000 - MOST_BOXES
    assert f"… {left_out:,} more layers, 9,800 parameters …" in svg
    assert svg.count("<rect") < 6 * MOST_BOXES
    assert len(svg) < 60_000


def test_a_deeply_nested_network_closes_what_it_opens() -> None:
    box = LayerBox("Dense", parameters=1)
    for depth in range(12):
        box = LayerBox("Sequential", f"s{depth}", inside=(box, *[LayerBox("ReLU")] * 8))
    svg = network_chart([box], title="Deep", description="").svg()
    assert svg.count("more layers") == 1


def test_names_are_only_words() -> None:
    svg = network_chart([LayerBox("<b>", "x<y", "a&b")], title="<i>", description="").svg()
    assert "<b>" not in svg
    assert "<i>" not in svg
