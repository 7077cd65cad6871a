-- Projects' keys for providers, sealed with a secret that is not in this file.
CREATE TABLE provider_keys (
    project   TEXT NOT NULL,
    provider  TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    hint      TEXT NOT NULL,
    set_at_us INTEGER NOT NULL,
    PRIMARY KEY (project, provider)
) WITHOUT ROWID;
