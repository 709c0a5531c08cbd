"""The forecast: the end of the series, what would have been forecast of it, and what comes next."""

from __future__ import annotations

from typing import ClassVar

from misstep.modeling import ForecastModel
from misstep.report.forecast import forecast_drawing
from misstep.report.markup import Markup, figure
from misstep.report.material import Material
from misstep.report.section import Section


class TheForecast(Section):
    """What comes next."""

    slug: ClassVar[str] = "forecast"
    title: ClassVar[str] = "What comes next"
    place: ClassVar[int] = 58

    def content(self, material: Material) -> Markup | None:
        """Return the forecast after the end of the series; None for other data."""
        model, forecast = material.model, material.forecast
        if not isinstance(model, ForecastModel) or forecast is None or model.interval is None:
            return None
        drawing = forecast_drawing(
            forecast.series,
            forecast.back_test,
            model.forecast(forecast.series),
            model.interval.share,
        )
        return figure(
            drawing,
            "The band holds the truth so often as is said of it; the forecasts over the past were "
            "made before what came was known."
            if forecast.back_test is not None
            else "The band holds the truth so often as is said of it.",
        )
