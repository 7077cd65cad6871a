"""stub"""


def openapi_document() -> dict[str, object]:
    """x."""
    return {}
