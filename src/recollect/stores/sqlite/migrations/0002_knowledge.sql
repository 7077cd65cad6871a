-- What extractors found, and what people did to memories. Memories themselves are not stored: they are folded from both.

-- Changes with everything that memories are folded from.
ALTER TABLE vaults ADD COLUMN knowledge_sequence INTEGER NOT NULL DEFAULT 0;

-- Sessions that changed since their extraction was queued: found by age or by urgency, without a look at any vault.
CREATE TABLE changed_sessions (
    vault_id       INTEGER NOT NULL REFERENCES vaults,
    session_number INTEGER NOT NULL,
    since_us       INTEGER NOT NULL,
    changed_at_us  INTEGER NOT NULL,
    characters     INTEGER NOT NULL,
    is_urgent      INTEGER NOT NULL,
    PRIMARY KEY (vault_id, session_number)
) WITHOUT ROWID;
CREATE INDEX changed_sessions_by_time ON changed_sessions (changed_at_us);
CREATE INDEX changed_sessions_urgent ON changed_sessions (is_urgent) WHERE is_urgent = 1;

-- numbers: the messages that were read, a JSON array. dropped: counts by reason. found: claims, entities, relations and
-- the summary as JSON, with the quotes: a row goes with any of its messages.
CREATE TABLE extractions (
    vault_id        INTEGER NOT NULL REFERENCES vaults,
    session_number  INTEGER NOT NULL,
    extractor       TEXT NOT NULL,
    window          INTEGER NOT NULL,
    version         TEXT NOT NULL,
    digest          TEXT NOT NULL,
    extracted_at_us INTEGER NOT NULL,
    numbers         TEXT NOT NULL,
    dropped         TEXT NOT NULL,
    found           TEXT NOT NULL,
    PRIMARY KEY (vault_id, session_number, extractor, window)
);
CREATE INDEX extractions_by_version ON extractions (extractor, version, vault_id, session_number);

-- sources: the messages that the edit quotes, a JSON array; it goes with any of them.
CREATE TABLE edits (
    vault_id    INTEGER NOT NULL REFERENCES vaults,
    edit_number INTEGER NOT NULL,
    at_us       INTEGER NOT NULL,
    sources     TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (vault_id, edit_number)
);

CREATE INDEX messages_abandoned ON messages (vault_id, number) WHERE is_live = 0;

DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (kind, available_at_us, created_at_us) WHERE state <> 'dead';
-- One job for a session, whatever its state: [session_number] are the numbers of an extraction.
CREATE UNIQUE INDEX jobs_of_sessions ON jobs (vault_id, numbers) WHERE kind = 'extract';

-- What was captured before is extracted, too.
INSERT INTO changed_sessions (vault_id, session_number, since_us, changed_at_us, characters, is_urgent)
SELECT vault_id, session_number, last_active_at_us, last_active_at_us, 0, 0 FROM sessions WHERE live_messages > 0;
