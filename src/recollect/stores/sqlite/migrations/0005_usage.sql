-- What exchanges took: totals by day (UTC, 2026-01-31), and how much of each budget's window is used.

-- key_id and user are "" where there is none; user is also "" once the user was erased. nano_usd: billionths of a dollar.
CREATE TABLE usage_days (
    project               TEXT NOT NULL,
    day                   TEXT NOT NULL,
    key_id                TEXT NOT NULL,
    user                  TEXT NOT NULL,
    provider              TEXT NOT NULL,
    model                 TEXT NOT NULL,
    requests              INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    cached_tokens         INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    nano_usd              INTEGER NOT NULL,
    unpriced              INTEGER NOT NULL,
    estimated             INTEGER NOT NULL,
    injected_tokens       INTEGER NOT NULL,
    spared_tokens         INTEGER NOT NULL,
    cached_without_memory INTEGER NOT NULL,
    memory_nano_usd       INTEGER NOT NULL,
    PRIMARY KEY (project, day, key_id, user, provider, model)
) WITHOUT ROWID;

-- scope: a digest of what the limit is on, so that no user's name stands here.
CREATE TABLE budget_windows (
    scope        TEXT NOT NULL,
    measure      TEXT NOT NULL,
    starts_at_us INTEGER NOT NULL,
    ends_at_us   INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    PRIMARY KEY (scope, measure, starts_at_us, ends_at_us)
) WITHOUT ROWID;
CREATE INDEX budget_windows_by_end ON budget_windows (ends_at_us);

-- A JSON array of texts, as "5 usd/day".
ALTER TABLE memory_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '[]';
