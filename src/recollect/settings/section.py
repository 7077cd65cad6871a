"""What a table of settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator


class Section(BaseModel):
    """A frozen table of settings; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_for_numbers(cls, value: object, info: object) -> object:
        """A TOML ``true`` where a number belongs would otherwise be read as 1."""
        name = getattr(info, "field_name", None)
        if isinstance(value, bool) and name is not None and cls.model_fields[name].annotation in {int, float}:
            message = "must be a number, not true or false"
            raise ValueError(message)
        return value
