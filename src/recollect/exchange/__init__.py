"""One request's journey, one file per stage."""
