-- Every table of a vault leads its primary key with vault_id: the vault is the unit of sharding and of erasure.
-- Times are microseconds since the epoch, UTC. Columns that may be long stand last, so that reading the others
-- does not follow overflow pages.

CREATE TABLE memory_keys (
    digest        BLOB NOT NULL PRIMARY KEY,
    key_id        TEXT NOT NULL UNIQUE,
    project       TEXT NOT NULL,
    kind          TEXT NOT NULL,
    mode          TEXT NOT NULL,
    name          TEXT NOT NULL,
    user          TEXT,
    hint          TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    revoked_at_us INTEGER
) WITHOUT ROWID;

-- AUTOINCREMENT: the number of an erased vault is never given to another one, so a stale number finds nothing.
CREATE TABLE vaults (
    vault_id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project             TEXT NOT NULL,
    user                TEXT NOT NULL,
    created_at_us       INTEGER NOT NULL,
    last_active_at_us   INTEGER,
    epoch               INTEGER NOT NULL DEFAULT 1,
    sequence            INTEGER NOT NULL DEFAULT 0,
    next_message_number INTEGER NOT NULL DEFAULT 1,
    next_session_number INTEGER NOT NULL DEFAULT 1,
    next_job_number     INTEGER NOT NULL DEFAULT 1,
    message_count       INTEGER NOT NULL DEFAULT 0,
    session_count       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project, user)
);

CREATE TABLE sessions (
    vault_id          INTEGER NOT NULL REFERENCES vaults,
    session_number    INTEGER NOT NULL,
    name              TEXT NOT NULL,
    agent_id          TEXT,
    started_at_us     INTEGER NOT NULL,
    last_active_at_us INTEGER NOT NULL,
    live_messages     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vault_id, session_number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_name ON sessions (vault_id, name);
CREATE INDEX sessions_by_activity ON sessions (vault_id, agent_id, last_active_at_us);

-- identity: NULL where it is the fingerprint, as for nearly all of what is said in a chat.
-- indexed_with: 0 while the passages are missing, -1 where there is nothing to index, else models.model_number.
CREATE TABLE messages (
    vault_id       INTEGER NOT NULL REFERENCES vaults,
    number         INTEGER NOT NULL,
    session_number INTEGER NOT NULL,
    depth          INTEGER NOT NULL,
    is_live        INTEGER NOT NULL,
    is_partial     INTEGER NOT NULL,
    parent_number  INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    indexed_with   INTEGER NOT NULL DEFAULT 0,
    occurred_at_us INTEGER NOT NULL,
    captured_at_us INTEGER NOT NULL,
    id             BLOB NOT NULL,
    fingerprint    BLOB NOT NULL,
    identity       BLOB,
    role           TEXT NOT NULL,
    name           TEXT,
    agent_id       TEXT,
    external_id    TEXT,
    trace_id       TEXT,
    metadata       TEXT,
    text           TEXT NOT NULL,
    content        TEXT,
    PRIMARY KEY (vault_id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_id ON messages (vault_id, id);
CREATE INDEX messages_by_sequence ON messages (vault_id, sequence);
CREATE INDEX messages_by_fingerprint ON messages (vault_id, fingerprint);
CREATE UNIQUE INDEX messages_by_place ON messages (vault_id, session_number, depth) WHERE is_live = 1;
CREATE INDEX messages_by_external_id ON messages (vault_id, session_number, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX messages_by_model ON messages (indexed_with, vault_id, number);

CREATE TABLE models (
    model_number INTEGER PRIMARY KEY,
    model        TEXT NOT NULL UNIQUE
);

-- Not WITHOUT ROWID: rows of a few kilobytes fill the pages of a rowid table and overflow those of an index.
CREATE TABLE passages (
    vault_id       INTEGER NOT NULL,
    message_number INTEGER NOT NULL,
    piece          INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    start          INTEGER NOT NULL,
    "end"          INTEGER NOT NULL,
    tokens         INTEGER NOT NULL,
    model_number   INTEGER NOT NULL REFERENCES models,
    terms          BLOB NOT NULL,
    dense          BLOB NOT NULL,
    states         BLOB NOT NULL,
    state_ids      BLOB NOT NULL,
    extra          BLOB NOT NULL,
    PRIMARY KEY (vault_id, message_number, piece)
);
CREATE INDEX passages_by_sequence ON passages (vault_id, sequence);

-- available_at_us: when a waiting job may start, or when the lease of a leased one runs out.
CREATE TABLE jobs (
    vault_id        INTEGER NOT NULL REFERENCES vaults,
    job_number      INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    created_at_us   INTEGER NOT NULL,
    available_at_us INTEGER NOT NULL,
    numbers         TEXT NOT NULL,
    last_error      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (vault_id, job_number)
) WITHOUT ROWID;
CREATE INDEX jobs_open ON jobs (available_at_us, created_at_us) WHERE state <> 'dead';
CREATE INDEX jobs_dead ON jobs (created_at_us) WHERE state = 'dead';

CREATE TABLE injections (
    vault_id       INTEGER NOT NULL REFERENCES vaults,
    lineage        BLOB NOT NULL,
    injected_at_us INTEGER NOT NULL,
    sources        TEXT NOT NULL,
    block          TEXT NOT NULL,
    PRIMARY KEY (vault_id, lineage)
);

-- vault_id 0: a trace of no vault.
CREATE TABLE traces (
    vault_id      INTEGER NOT NULL,
    trace_id      TEXT NOT NULL,
    project       TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    sources       TEXT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (vault_id, trace_id)
);
CREATE UNIQUE INDEX traces_by_id ON traces (project, trace_id);
CREATE INDEX traces_by_age ON traces (created_at_us);

-- Receipts name the erased user by a hash: nothing of the vault itself is kept.
CREATE TABLE erasures (
    vault_id     INTEGER NOT NULL PRIMARY KEY,
    project      TEXT NOT NULL,
    user_digest  BLOB NOT NULL,
    messages     INTEGER NOT NULL,
    sessions     INTEGER NOT NULL,
    erased_at_us INTEGER NOT NULL,
    digest       TEXT NOT NULL
);
