"""OpenTelemetry's libraries are an extra: they are imported where an endpoint is named, and nowhere else."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from recollect.settings import Settings
    from recollect.telemetry.otlp import Telemetry


def open_telemetry(settings: Settings) -> Telemetry | None:
    """What sends traces and metrics; None without an endpoint. SettingsError where the extra is not installed."""
    otel = settings.otel
    if otel.endpoint is None:
        return None
    try:
        from recollect.telemetry.otlp import OtlpSettings, Telemetry  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = (
            f"otel.endpoint: OpenTelemetry is not installed (no module `{error.name}`). Install `recollect[otel]`, "
            "or leave the endpoint (also OTEL_EXPORTER_OTLP_ENDPOINT) out."
        )
        raise SettingsError(message) from error
    return Telemetry(
        OtlpSettings(otel.endpoint, otel.service_name, version("recollect"), otel.sample_ratio, otel.interval_s)
    )
