-- Every statement that runs on the database, by name. Parameters are named; times are microseconds, UTC.

-- name: create_key
-- A new key; the digest is unique.
INSERT INTO memory_keys (digest, key_id, project, kind, mode, name, user, hint, created_at_us, revoked_at_us, limits)
VALUES (:digest, :key_id, :project, :kind, :mode, :name, :user, :hint, :created_at_us, :revoked_at_us, :limits);

-- name: find_key
-- One key, revoked or not.
SELECT key_id, project, digest, kind, mode, created_at_us, name, user, hint, revoked_at_us, limits
FROM memory_keys WHERE digest = :digest;

-- name: list_keys
-- Keys of one project, or of every one.
SELECT key_id, project, digest, kind, mode, created_at_us, name, user, hint, revoked_at_us, limits
FROM memory_keys WHERE :project IS NULL OR project = :project ORDER BY created_at_us, key_id;

-- name: revoke_key
-- Revoke a live key of the project.
UPDATE memory_keys SET revoked_at_us = :at_us
WHERE key_id = :key_id AND project = :project AND revoked_at_us IS NULL;

-- name: put_credential
-- A project's key for a provider, in the place of an older one.
INSERT OR REPLACE INTO provider_keys (project, provider, sealed, hint, set_at_us) VALUES (?, ?, ?, ?, ?);

-- name: list_credentials
SELECT provider, sealed, hint, set_at_us FROM provider_keys WHERE project = ? ORDER BY provider;

-- name: remove_credential
DELETE FROM provider_keys WHERE project = ? AND provider = ?;

-- name: find_vault
-- The user's vault.
SELECT vault_id, project, user, created_at_us FROM vaults WHERE project = :project AND user = :user;

-- name: create_vault
-- A vault for a new user; nothing where another process was faster.
INSERT INTO vaults (project, user, created_at_us) VALUES (:project, :user, :created_at_us)
ON CONFLICT (project, user) DO NOTHING;

-- name: list_vaults
-- Vaults of a project by user name, behind one.
SELECT vault_id, project, user, created_at_us, message_count, session_count, last_active_at_us
FROM vaults WHERE project = :project AND user > :after ORDER BY user LIMIT :limit;

-- name: list_vaults_from_start
-- Vaults of a project by user name.
SELECT vault_id, project, user, created_at_us, message_count, session_count, last_active_at_us
FROM vaults WHERE project = :project ORDER BY user LIMIT :limit;

-- name: recent_vaults
-- Vaults that hold much, newest activity first.
SELECT vault_id FROM vaults WHERE message_count >= :least ORDER BY last_active_at_us DESC, vault_id LIMIT :limit;

-- name: summarise_vault
-- One vault with its counts.
SELECT vault_id, project, user, created_at_us, message_count, session_count, last_active_at_us
FROM vaults WHERE vault_id = :vault;

-- name: vault_counters
-- What a capture needs of the vault.
SELECT vault_id, sequence, next_message_number, next_session_number, next_job_number
FROM vaults WHERE project = :project AND user = :user;

-- name: advance_vault
-- The vault after a capture.
UPDATE vaults SET sequence = :sequence, next_message_number = :next_message_number,
    next_session_number = :next_session_number, next_job_number = :next_job_number,
    message_count = message_count + :stored, session_count = session_count + :opened,
    knowledge_sequence = knowledge_sequence + :rebranched,
    last_active_at_us = CASE WHEN :active_at_us > coalesce(last_active_at_us, :active_at_us - 1)
        THEN :active_at_us ELSE last_active_at_us END
WHERE vault_id = :vault;

-- name: next_sequence
-- A new sequence number; no row where the vault is gone.
UPDATE vaults SET sequence = sequence + 1 WHERE vault_id = :vault RETURNING sequence;

-- name: vault_version
-- Where the vault stands.
SELECT epoch, sequence FROM vaults WHERE vault_id = :vault;

-- name: message_ids
-- The ids of a vault in order of capture, for the receipt of an erasure.
SELECT id FROM messages WHERE vault_id = :vault ORDER BY number;

-- name: erase_passages
DELETE FROM passages WHERE vault_id = :vault;
-- name: erase_messages
DELETE FROM messages WHERE vault_id = :vault;
-- name: erase_sessions
DELETE FROM sessions WHERE vault_id = :vault;
-- name: erase_jobs
DELETE FROM jobs WHERE vault_id = :vault;
-- name: erase_injections
DELETE FROM injections WHERE vault_id = :vault;
-- name: erase_traces
DELETE FROM traces WHERE vault_id = :vault;
-- name: erase_requests
-- The log of a user's requests; while the vault is still there.
DELETE FROM requests WHERE (project, user) = (SELECT project, user FROM vaults WHERE vault_id = :vault);
-- name: erase_request_bodies
DELETE FROM request_bodies WHERE vault_id = :vault;
-- name: erase_extractions
DELETE FROM extractions WHERE vault_id = :vault;
-- name: erase_edits
DELETE FROM edits WHERE vault_id = :vault;
-- name: erase_changed_sessions
DELETE FROM changed_sessions WHERE vault_id = :vault;
-- name: erase_vault
DELETE FROM vaults WHERE vault_id = :vault;

-- name: keep_receipt
-- The receipt of an erasure.
INSERT INTO erasures (vault_id, project, user_digest, messages, sessions, erased_at_us, digest)
VALUES (:vault, :project, :user_digest, :messages, :sessions, :erased_at_us, :digest);

-- name: find_session
-- A session by its name.
SELECT name, session_number, agent_id, started_at_us, last_active_at_us, live_messages
FROM sessions WHERE vault_id = :vault AND name = :name;

-- name: latest_session
-- The agent's session with the newest activity.
SELECT name, session_number, agent_id, started_at_us, last_active_at_us, live_messages
FROM sessions WHERE vault_id = :vault AND agent_id IS :agent_id
ORDER BY last_active_at_us DESC, session_number DESC LIMIT 1;

-- name: sessions_with
-- Sessions whose live branch holds one of the fingerprints. Without being told, SQLite reads the whole vault.
SELECT name, session_number, agent_id, started_at_us, last_active_at_us, live_messages
FROM sessions WHERE vault_id = :vault AND session_number IN (
    SELECT session_number FROM messages INDEXED BY messages_by_fingerprint
    WHERE vault_id = :vault AND is_live = 1 AND fingerprint IN ({places}))
ORDER BY last_active_at_us DESC, session_number DESC LIMIT :limit;

-- name: branch
-- The live branch of a session.
SELECT id, number, fingerprint, role, coalesce(identity, fingerprint) FROM messages
WHERE vault_id = :vault AND session_number = :session AND is_live = 1 ORDER BY depth;

-- name: list_sessions
-- Sessions, highest number first.
SELECT name, session_number, agent_id, started_at_us, last_active_at_us, live_messages
FROM sessions WHERE vault_id = :vault AND session_number < :before ORDER BY session_number DESC LIMIT :limit;

-- name: create_session
-- A new session.
INSERT INTO sessions (vault_id, session_number, name, agent_id, started_at_us, last_active_at_us)
VALUES (:vault, :session, :name, :agent_id, :started_at_us, :active_at_us);

-- name: touch_session
-- The session after a capture.
UPDATE sessions SET live_messages = live_messages + :live,
    last_active_at_us = max(last_active_at_us, :active_at_us)
WHERE vault_id = :vault AND session_number = :session;

-- name: head
-- The newest live message of a session.
SELECT number, session_number, depth, is_live, id, coalesce(identity, fingerprint), role, parent_number FROM messages
WHERE vault_id = :vault AND session_number = :session AND is_live = 1 ORDER BY depth DESC LIMIT 1;

-- name: standing_by_id
-- A message by its content address, as placing needs it.
SELECT number, session_number, depth, is_live, id, coalesce(identity, fingerprint), role, parent_number FROM messages
WHERE vault_id = :vault AND id = :id;

-- name: standing_by_number
-- A message by its number, as placing needs it.
SELECT number, session_number, depth, is_live, id, coalesce(identity, fingerprint), role, parent_number FROM messages
WHERE vault_id = :vault AND number = :number;

-- name: standing_by_external_id
-- The newest message of a session that the caller gave this id.
SELECT number, session_number, depth, is_live, id, coalesce(identity, fingerprint), role, parent_number
FROM messages INDEXED BY messages_by_external_id
WHERE vault_id = :vault AND session_number = :session AND external_id = :external_id ORDER BY number DESC LIMIT 1;

-- name: standing_by_delivery
-- The first message of a session with this identity, captured at this time or later.
SELECT number, session_number, depth, is_live, id, coalesce(identity, fingerprint), role, parent_number
FROM messages INDEXED BY messages_by_fingerprint
WHERE vault_id = :vault AND session_number = :session AND fingerprint = :fingerprint
    AND coalesce(identity, fingerprint) = :identity AND captured_at_us >= :captured_at_us ORDER BY number LIMIT 1;

-- name: live_from
-- Live messages at a depth and behind.
SELECT depth, number FROM messages
WHERE vault_id = :vault AND session_number = :session AND is_live = 1 AND depth >= :depth;

-- name: insert_message
-- One new message.
INSERT INTO messages (vault_id, number, session_number, depth, is_live, is_partial, parent_number, sequence,
    occurred_at_us, captured_at_us, id, fingerprint, identity, role, name, agent_id, external_id, trace_id, metadata, text,
    content)
VALUES (:vault, :number, :session, :depth, 1, :is_partial, :parent_number, :sequence,
    :occurred_at_us, :captured_at_us, :id, :fingerprint, :identity, :role, :name, :agent_id, :external_id, :trace_id,
    :metadata, :text, :content);

-- name: set_live
-- Retire or revive messages (numbers in a JSON array).
UPDATE messages SET is_live = :is_live, sequence = :sequence
WHERE vault_id = :vault AND number IN (SELECT value FROM json_each(:numbers));

-- name: messages
-- Messages by number (a JSON array).
SELECT m.id, m.number, s.name, m.session_number, m.depth, m.is_live, m.captured_at_us, m.role, m.text,
    m.occurred_at_us, m.content, m.name, m.external_id, m.metadata, m.agent_id, m.is_partial
FROM messages m JOIN sessions s ON s.vault_id = m.vault_id AND s.session_number = m.session_number
WHERE m.vault_id = :vault AND m.number IN (SELECT value FROM json_each(:numbers));

-- name: find_message
-- A message by its content address.
SELECT m.id, m.number, s.name, m.session_number, m.depth, m.is_live, m.captured_at_us, m.role, m.text,
    m.occurred_at_us, m.content, m.name, m.external_id, m.metadata, m.agent_id, m.is_partial
FROM messages m JOIN sessions s ON s.vault_id = m.vault_id AND s.session_number = m.session_number
WHERE m.vault_id = :vault AND m.id = :id;

-- name: session_messages
-- The newest messages of a live branch below a depth, newest first.
SELECT m.id, m.number, s.name, m.session_number, m.depth, m.is_live, m.captured_at_us, m.role, m.text,
    m.occurred_at_us, m.content, m.name, m.external_id, m.metadata, m.agent_id, m.is_partial
FROM messages m JOIN sessions s ON s.vault_id = m.vault_id AND s.session_number = m.session_number
WHERE m.vault_id = :vault AND m.session_number = :session AND m.is_live = 1 AND m.depth < :before
ORDER BY m.depth DESC LIMIT :limit;

-- name: list_messages
-- Messages in order of capture, behind a number.
SELECT m.id, m.number, s.name, m.session_number, m.depth, m.is_live, m.captured_at_us, m.role, m.text,
    m.occurred_at_us, m.content, m.name, m.external_id, m.metadata, m.agent_id, m.is_partial
FROM messages m JOIN sessions s ON s.vault_id = m.vault_id AND s.session_number = m.session_number
WHERE m.vault_id = :vault AND m.number > :after ORDER BY m.number LIMIT :limit;

-- name: doomed_message
-- What deleting a message needs to know of it.
SELECT number, session_number, is_live, trace_id FROM messages WHERE vault_id = :vault AND id = :id;

-- name: delete_message_passages
DELETE FROM passages WHERE vault_id = :vault AND message_number = :number;
-- name: delete_message_injections
DELETE FROM injections WHERE vault_id = :vault
    AND EXISTS (SELECT 1 FROM json_each(injections.sources) WHERE value = :number);
-- name: delete_message_traces
-- Traces that quote the message, and the trace of the exchange that it came with.
DELETE FROM traces WHERE vault_id = :vault AND (trace_id = :trace_id
    OR EXISTS (SELECT 1 FROM json_each(traces.sources) WHERE value = :number));
-- name: delete_message_request_bodies
-- Any of the vault's requests may have said it, or an answer to it.
DELETE FROM request_bodies WHERE vault_id = :vault;
-- name: delete_message_extractions
-- Windows that the message was read in.
DELETE FROM extractions WHERE vault_id = :vault AND session_number = :session
    AND EXISTS (SELECT 1 FROM json_each(extractions.numbers) WHERE value = :number);
-- name: delete_message_edits
DELETE FROM edits WHERE vault_id = :vault
    AND EXISTS (SELECT 1 FROM json_each(edits.sources) WHERE value = :number);
-- name: delete_message
DELETE FROM messages WHERE vault_id = :vault AND number = :number;
-- name: shrink_session
UPDATE sessions SET live_messages = live_messages - :live WHERE vault_id = :vault AND session_number = :session;
-- name: shrink_vault
-- A new epoch: every index of the vault is loaded anew.
UPDATE vaults SET epoch = epoch + 1, sequence = sequence + 1, message_count = message_count - 1,
    knowledge_sequence = knowledge_sequence + 1
WHERE vault_id = :vault;

-- The four statements that load an index answer with a single row: JSON for what is small, and the blobs joined.
-- Row after row, the driver would give up and wait for the interpreter lock 20,000 times in a large vault: while
-- the event loop is busy that takes seconds. group_concat keeps the bytes of a blob, and CAST makes it one again.

-- name: all_messages
-- What the index needs of the messages behind a number; the text only while the passages are missing.
SELECT json_group_array(json_array(number, session_number, depth, is_live, role, name, agent_id,
        occurred_at_us / 1000, captured_at_us / 1000, metadata, text)),
    CAST(group_concat(fingerprint, '') AS BLOB)
FROM (SELECT number, session_number, depth, is_live, role, name, agent_id, occurred_at_us, captured_at_us,
        metadata, CASE indexed_with WHEN 0 THEN text END AS text, fingerprint
    FROM messages WHERE vault_id = :vault AND number > :number
    ORDER BY number LIMIT :limit);

-- name: changed_messages
-- The same for messages that changed.
SELECT json_group_array(json_array(number, session_number, depth, is_live, role, name, agent_id,
        occurred_at_us / 1000, captured_at_us / 1000, metadata, text)),
    CAST(group_concat(fingerprint, '') AS BLOB)
FROM (SELECT number, session_number, depth, is_live, role, name, agent_id, occurred_at_us, captured_at_us,
        metadata, CASE indexed_with WHEN 0 THEN text END AS text, fingerprint
    FROM messages WHERE vault_id = :vault AND sequence > :after AND number > :number
    ORDER BY number LIMIT :limit);

-- name: all_passages
-- Passages behind one.
SELECT json_group_array(json_array(message_number, piece, start, "end", tokens, model_number,
        length(terms), length(dense), length(states), length(state_ids), length(extra))),
    CAST(group_concat(terms, '') AS BLOB), CAST(group_concat(dense, '') AS BLOB),
    CAST(group_concat(states, '') AS BLOB), CAST(group_concat(state_ids, '') AS BLOB),
    CAST(group_concat(extra, '') AS BLOB)
FROM (SELECT message_number, piece, start, "end", tokens, model_number, terms, dense, states, state_ids, extra
    FROM passages WHERE vault_id = :vault AND (message_number, piece) > (:number, :piece)
    ORDER BY message_number, piece LIMIT :limit);

-- name: changed_passages
-- The same for passages that were written since.
SELECT json_group_array(json_array(message_number, piece, start, "end", tokens, model_number,
        length(terms), length(dense), length(states), length(state_ids), length(extra))),
    CAST(group_concat(terms, '') AS BLOB), CAST(group_concat(dense, '') AS BLOB),
    CAST(group_concat(states, '') AS BLOB), CAST(group_concat(state_ids, '') AS BLOB),
    CAST(group_concat(extra, '') AS BLOB)
FROM (SELECT message_number, piece, start, "end", tokens, model_number, terms, dense, states, state_ids, extra
    FROM passages WHERE vault_id = :vault AND sequence > :after
        AND (message_number, piece) > (:number, :piece)
    ORDER BY message_number, piece LIMIT :limit);

-- name: models
SELECT model_number, model FROM models;

-- name: find_model
SELECT model_number FROM models WHERE model = :model;
-- name: create_model
INSERT INTO models (model) VALUES (:model) RETURNING model_number;

-- name: surviving_messages
-- Which of these messages (a JSON array of numbers) are still there.
SELECT number FROM messages WHERE vault_id = :vault AND number IN (SELECT value FROM json_each(:numbers));

-- name: delete_passages
-- Passages of these messages.
DELETE FROM passages WHERE vault_id = :vault AND message_number IN (SELECT value FROM json_each(:numbers));

-- name: insert_passage
INSERT INTO passages (vault_id, message_number, piece, sequence, start, "end", tokens, model_number,
    terms, dense, states, state_ids, extra)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: mark_indexed
-- These messages have passages of this model now.
UPDATE messages SET indexed_with = :model_number, sequence = :sequence
WHERE vault_id = :vault AND number IN (SELECT value FROM json_each(:numbers));

-- name: stale_messages
-- Messages whose passages are missing or of another model, and that no index job names yet.
WITH queued AS MATERIALIZED (
    SELECT DISTINCT vault_id, value AS number FROM jobs, json_each(jobs.numbers) WHERE kind = 'index')
SELECT m.vault_id, m.number
FROM (SELECT vault_id, number FROM messages WHERE indexed_with >= 0 AND indexed_with < :model_number
      UNION ALL
      SELECT vault_id, number FROM messages WHERE indexed_with > :model_number) m
WHERE NOT EXISTS (SELECT 1 FROM queued q WHERE q.vault_id = m.vault_id AND q.number = m.number)
LIMIT :limit;

-- name: pending
-- Messages without passages that an index job waits or works for.
SELECT count(DISTINCT m.number)
FROM jobs j, json_each(j.numbers) e
JOIN messages m ON m.vault_id = j.vault_id AND m.number = e.value
WHERE j.vault_id = :vault AND j.kind = 'index' AND j.state <> 'dead' AND m.indexed_with = 0;

-- name: take_job_number
UPDATE vaults SET next_job_number = next_job_number + 1 WHERE vault_id = :vault RETURNING next_job_number - 1;

-- name: insert_job
INSERT INTO jobs (vault_id, job_number, kind, state, created_at_us, available_at_us, numbers)
VALUES (:vault, :job, :kind, 'waiting', :at_us, :at_us, :numbers);

-- name: is_job_available
-- A look that needs no write lock.
SELECT EXISTS (SELECT 1 FROM jobs WHERE state <> 'dead' AND kind = :kind AND available_at_us <= :now_us);

-- name: lease_jobs
-- Take the jobs that waited longest, and those whose lease ran out.
UPDATE jobs SET state = 'leased', attempts = attempts + 1, available_at_us = :until_us
WHERE (vault_id, job_number) IN (
    SELECT vault_id, job_number FROM jobs WHERE state <> 'dead' AND kind = :kind AND available_at_us <= :now_us
    ORDER BY available_at_us, created_at_us LIMIT :limit)
RETURNING vault_id, job_number, kind, numbers, attempts, created_at_us, state, last_error;

-- name: unindexable
-- Messages of a finished index job that got no passages: there is nothing to index in them.
UPDATE messages SET indexed_with = -1, sequence = :sequence
WHERE vault_id = :vault AND indexed_with = 0 AND number IN (
    SELECT e.value FROM jobs j, json_each(j.numbers) e
    WHERE j.vault_id = :vault AND j.job_number = :job AND j.kind = 'index');

-- name: complete_job
DELETE FROM jobs WHERE vault_id = :vault AND job_number = :job;

-- name: release_job
UPDATE jobs SET state = 'waiting', attempts = attempts - 1, available_at_us = :now_us
WHERE vault_id = :vault AND job_number = :job AND state = 'leased';

-- name: retry_job
UPDATE jobs SET state = 'waiting', available_at_us = :retry_at_us, last_error = :error
WHERE vault_id = :vault AND job_number = :job;

-- name: bury_job
UPDATE jobs SET state = 'dead', last_error = :error WHERE vault_id = :vault AND job_number = :job;

-- name: list_dead
-- Dead letters, oldest first.
SELECT vault_id, job_number, kind, numbers, attempts, created_at_us, state, last_error
FROM jobs WHERE state = 'dead' AND (:vault IS NULL OR vault_id = :vault) ORDER BY created_at_us LIMIT :limit;

-- name: replay_dead
-- Dead letters wait again.
UPDATE jobs SET state = 'waiting', attempts = 0, available_at_us = :now_us
WHERE (vault_id, job_number) IN (
    SELECT vault_id, job_number FROM jobs WHERE state = 'dead' AND (:vault IS NULL OR vault_id = :vault)
    ORDER BY created_at_us LIMIT :limit);

-- name: backlog
-- Counts of the queue. A lease that ran out counts as waiting.
SELECT count(*) FILTER (WHERE state = 'waiting' OR state = 'leased' AND available_at_us <= :now_us),
    count(*) FILTER (WHERE state = 'leased' AND available_at_us > :now_us),
    count(*) FILTER (WHERE state = 'dead'),
    min(created_at_us) FILTER (WHERE state = 'waiting' OR state = 'leased' AND available_at_us <= :now_us),
    min(created_at_us) FILTER (WHERE state <> 'dead')
FROM jobs WHERE :vault IS NULL OR vault_id = :vault;

-- name: injections
-- The injections at these places.
SELECT lineage, block, sources, injected_at_us FROM injections WHERE vault_id = :vault AND lineage IN ({places});

-- name: put_injection
-- Remember an injection, unless a message that it quotes is gone.
INSERT OR REPLACE INTO injections (vault_id, lineage, injected_at_us, sources, block)
SELECT :vault, :lineage, :injected_at_us, :sources, :block
WHERE EXISTS (SELECT 1 FROM vaults WHERE vault_id = :vault) AND NOT EXISTS (
    SELECT 1 FROM json_each(:sources) e WHERE NOT EXISTS (
        SELECT 1 FROM messages WHERE vault_id = :vault AND number = e.value));

-- name: put_trace
-- Keep a trace, unless its vault or a message that it quotes is gone.
INSERT OR REPLACE INTO traces (vault_id, trace_id, project, created_at_us, sources, body)
SELECT :vault, :trace_id, :project, :created_at_us, :sources, :body
WHERE (:vault = 0 OR EXISTS (SELECT 1 FROM vaults WHERE vault_id = :vault)) AND NOT EXISTS (
    SELECT 1 FROM json_each(:sources) e WHERE NOT EXISTS (
        SELECT 1 FROM messages WHERE vault_id = :vault AND number = e.value));

-- name: find_trace
SELECT trace_id, project, vault_id, created_at_us, body, sources FROM traces
WHERE project = :project AND trace_id = :trace_id;

-- name: prune_traces
DELETE FROM traces WHERE created_at_us < :older_than_us;

-- name: put_requests
-- Keep several requests in one step, but for those of a vault that is gone. Row after row, the driver would wait for the
-- interpreter lock each time, for longer than the row takes. {rows} are their values.
INSERT OR REPLACE INTO requests (project, request_id, started_at_us, user, model, status, record)
SELECT column1, column2, column3, column4, column5, column6, column7 FROM (VALUES {rows})
WHERE NOT column8 OR EXISTS (SELECT 1 FROM vaults WHERE project = column1 AND user = column4);

-- name: put_request_bodies
-- Keep what was said in a request, unless its user's vault is gone.
INSERT OR REPLACE INTO request_bodies
    (vault_id, request_id, project, created_at_us, path, query, headers, request, reply)
SELECT vault_id, :request_id, :project, :created_at_us, :path, :query, :headers, :request, :reply
FROM vaults WHERE project = :project AND user = :user;

-- name: find_request
SELECT request_id, started_at_us, record FROM requests WHERE project = :project AND request_id = :request_id;

-- name: list_requests
-- Requests of a project, newest first, behind one of them.
SELECT request_id, started_at_us, record FROM requests
WHERE project = :project AND started_at_us >= :since_us AND started_at_us < :until_us
    AND (:model IS NULL OR model = :model) AND status BETWEEN :low AND :high
    AND (:before_us IS NULL OR (started_at_us, request_id) < (:before_us, :before_id))
ORDER BY started_at_us DESC, request_id DESC LIMIT :limit;

-- name: list_requests_of_user
-- The same for one user.
SELECT request_id, started_at_us, record FROM requests
WHERE project = :project AND user = :user AND started_at_us >= :since_us AND started_at_us < :until_us
    AND (:model IS NULL OR model = :model) AND status BETWEEN :low AND :high
    AND (:before_us IS NULL OR (started_at_us, request_id) < (:before_us, :before_id))
ORDER BY started_at_us DESC, request_id DESC LIMIT :limit;

-- name: find_request_bodies
SELECT b.request_id, v.user, b.created_at_us, b.path, b.query, b.headers, b.request, b.reply
FROM request_bodies b JOIN vaults v USING (vault_id) WHERE b.project = :project AND b.request_id = :request_id;

-- name: prune_requests
-- Old ones of every project, one after the other by the index.
DELETE FROM requests WHERE rowid IN (
    WITH RECURSIVE known (project) AS (
        SELECT min(project) FROM requests
        UNION ALL
        SELECT (SELECT min(project) FROM requests WHERE project > known.project)
        FROM known WHERE known.project IS NOT NULL)
    SELECT r.rowid FROM known JOIN requests r ON r.project = known.project AND r.started_at_us < :older_than_us);

-- name: prune_request_bodies
DELETE FROM request_bodies WHERE created_at_us < :older_than_us;

-- name: mark_changed
-- A session's live branch has changed. Characters add up; enough of them make it urgent.
INSERT INTO changed_sessions (vault_id, session_number, since_us, changed_at_us, characters, is_urgent)
VALUES (:vault, :session, :at_us, :at_us, :characters, :characters >= :growth)
ON CONFLICT DO UPDATE SET changed_at_us = :at_us, characters = characters + :characters,
    is_urgent = is_urgent OR characters + :characters >= :growth;

-- name: request_session
-- Somebody asks for a session: it is due.
INSERT INTO changed_sessions (vault_id, session_number, since_us, changed_at_us, characters, is_urgent)
SELECT vault_id, session_number, :at_us, :at_us, 0, 1 FROM sessions WHERE vault_id = :vault AND session_number = :session
ON CONFLICT DO UPDATE SET is_urgent = 1;

-- name: request_sessions
-- Somebody asks for all sessions of a vault.
INSERT INTO changed_sessions (vault_id, session_number, since_us, changed_at_us, characters, is_urgent)
SELECT vault_id, session_number, :at_us, :at_us, 0, 1 FROM sessions WHERE vault_id = :vault
ON CONFLICT DO UPDATE SET is_urgent = 1;

-- name: bring_forward
-- Extractions that wait for another attempt need not wait any longer.
UPDATE jobs SET available_at_us = :at_us
WHERE vault_id = :vault AND kind = 'extract' AND state = 'waiting' AND available_at_us > :at_us
    AND (:session IS NULL OR numbers = json_array(:session));

-- name: forget_digests
-- What was read is to be read again.
UPDATE extractions SET digest = '' WHERE vault_id = :vault AND (:session IS NULL OR session_number = :session)
    AND (:extractor IS NULL OR extractor = :extractor);

-- name: due_sessions
-- Sessions that are urgent, or quiet for long enough, and that nobody works on.
SELECT vault_id, session_number FROM changed_sessions c
WHERE (is_urgent = 1 OR changed_at_us <= :quiet_since_us) AND NOT EXISTS (
    SELECT 1 FROM jobs j WHERE j.kind = 'extract' AND j.vault_id = c.vault_id
        AND j.numbers = json_array(c.session_number) AND j.state = 'leased')
LIMIT :limit;

-- name: outdated_sessions
-- Sessions that an extractor read in another version, and that no job names.
SELECT DISTINCT vault_id, session_number
FROM (SELECT vault_id, session_number FROM extractions WHERE extractor = :extractor AND version < :version
      UNION ALL
      SELECT vault_id, session_number FROM extractions WHERE extractor = :extractor AND version > :version) e
WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'extract' AND j.vault_id = e.vault_id
        AND j.numbers = json_array(e.session_number))
LIMIT :limit;

-- name: clear_change
DELETE FROM changed_sessions WHERE vault_id = :vault AND session_number = :session;

-- name: wake_extraction
-- The session's job, if it has one: a dead letter waits anew.
UPDATE jobs SET attempts = CASE state WHEN 'dead' THEN 0 ELSE attempts END,
    available_at_us = CASE state WHEN 'dead' THEN :at_us ELSE available_at_us END,
    state = CASE state WHEN 'dead' THEN 'waiting' ELSE state END
WHERE vault_id = :vault AND kind = 'extract' AND numbers = json_array(:session);

-- name: window_marks
SELECT extractor, window, digest FROM extractions WHERE vault_id = :vault AND session_number = :session
ORDER BY extractor, window;

-- name: drop_windows
DELETE FROM extractions
WHERE vault_id = :vault AND session_number = :session AND extractor = :extractor AND window >= :count;

-- name: put_window
INSERT OR REPLACE INTO extractions (vault_id, session_number, extractor, window, version, digest, extracted_at_us,
    numbers, dropped, found)
VALUES (:vault, :session, :extractor, :window, :version, :digest, :extracted_at_us, :numbers, :dropped, :found);

-- name: change_knowledge
UPDATE vaults SET knowledge_sequence = knowledge_sequence + 1 WHERE vault_id = :vault;

-- name: knowledge_sequence
SELECT knowledge_sequence FROM vaults WHERE vault_id = :vault;

-- name: windows
SELECT session_number, extractor, window, version, digest, extracted_at_us, numbers, dropped, found
FROM extractions WHERE vault_id = :vault ORDER BY session_number, extractor, window;

-- name: edits
SELECT body FROM edits WHERE vault_id = :vault ORDER BY edit_number;

-- name: abandoned_messages
SELECT number FROM messages INDEXED BY messages_abandoned WHERE vault_id = :vault AND is_live = 0;

-- name: add_edit
-- Keep an edit, unless a message that it quotes is gone.
INSERT INTO edits (vault_id, edit_number, at_us, sources, body)
SELECT :vault, 1 + coalesce((SELECT max(edit_number) FROM edits WHERE vault_id = :vault), 0), :at_us, :sources, :body
WHERE EXISTS (SELECT 1 FROM vaults WHERE vault_id = :vault) AND NOT EXISTS (
    SELECT 1 FROM json_each(:sources) e WHERE NOT EXISTS (
        SELECT 1 FROM messages WHERE vault_id = :vault AND number = e.value));

-- The four statements of the progress are of one vault, of one project, or of all.

-- name: count_messages
-- Messages, those whose passages are made, and those with vectors; an index finds them by model.
SELECT coalesce(sum(messages), 0), coalesce(sum(messages) FILTER (WHERE indexed_with <> 0), 0),
    coalesce(sum(messages) FILTER (WHERE indexed_with > 0 AND model <> ''), 0)
FROM (SELECT indexed_with, count(*) AS messages FROM messages
    WHERE indexed_with IN (SELECT model_number FROM models UNION ALL SELECT 0 UNION ALL SELECT -1)
        AND vault_id IN (SELECT vault_id FROM vaults
            WHERE (:vault IS NULL OR vault_id = :vault) AND (:project IS NULL OR project = :project))
    GROUP BY indexed_with)
LEFT JOIN models ON model_number = indexed_with;

-- name: count_extracted
SELECT extractor, sum(json_array_length(numbers)) FROM extractions
WHERE vault_id IN (SELECT vault_id FROM vaults
    WHERE (:vault IS NULL OR vault_id = :vault) AND (:project IS NULL OR project = :project))
GROUP BY extractor ORDER BY extractor;

-- name: count_dropped
SELECT d.key, sum(d.value) FROM extractions, json_each(dropped) d
WHERE vault_id IN (SELECT vault_id FROM vaults
    WHERE (:vault IS NULL OR vault_id = :vault) AND (:project IS NULL OR project = :project))
GROUP BY d.key ORDER BY d.key;

-- name: count_due
SELECT count(DISTINCT vault_id || numbers), min(since_us)
FROM (SELECT vault_id, json_array(session_number) AS numbers, since_us FROM changed_sessions
      UNION ALL
      SELECT vault_id, numbers, created_at_us FROM jobs WHERE kind = 'extract' AND state <> 'dead')
WHERE (:session IS NULL OR numbers = json_array(:session)) AND vault_id IN (SELECT vault_id FROM vaults
    WHERE (:vault IS NULL OR vault_id = :vault) AND (:project IS NULL OR project = :project));

-- name: add_usage
-- Add to what was taken on a day.
INSERT INTO usage_days VALUES (
    :project, :day, :key_id, :user, :provider, :model, :requests, :input_tokens, :output_tokens, :cached_tokens,
    :cache_write_tokens, :nano_usd, :unpriced, :estimated, :injected_tokens, :spared_tokens, :cached_without_memory,
    :memory_nano_usd
)
ON CONFLICT (project, day, key_id, user, provider, model) DO UPDATE SET
    requests = requests + excluded.requests,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
    nano_usd = nano_usd + excluded.nano_usd,
    unpriced = unpriced + excluded.unpriced,
    estimated = estimated + excluded.estimated,
    injected_tokens = injected_tokens + excluded.injected_tokens,
    spared_tokens = spared_tokens + excluded.spared_tokens,
    cached_without_memory = cached_without_memory + excluded.cached_without_memory,
    memory_nano_usd = memory_nano_usd + excluded.memory_nano_usd;

-- name: usage
-- Totals of a project, by whatever of day, key, user, provider and model is asked for.
SELECT
    CASE WHEN :by_day THEN day END AS by_day,
    CASE WHEN :by_key THEN key_id END AS by_key,
    CASE WHEN :by_user THEN user END AS by_user,
    CASE WHEN :by_provider THEN provider END AS by_provider,
    CASE WHEN :by_model THEN model END AS by_model,
    SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(nano_usd),
    SUM(unpriced), SUM(estimated), SUM(injected_tokens), SUM(spared_tokens), SUM(cached_without_memory),
    SUM(memory_nano_usd)
FROM usage_days
WHERE project = :project AND day >= :first AND day <= :last
    AND (:key IS NULL OR key_id = :key) AND (:user IS NULL OR user = :user) AND (:model IS NULL OR model = :model)
GROUP BY by_day, by_key, by_user, by_provider, by_model
ORDER BY by_day, by_key, by_user, by_provider, by_model;

-- name: usage_of_user
-- What an erased user took, to be kept without the name.
SELECT
    project, day, key_id, '' AS user, provider, model, requests, input_tokens, output_tokens, cached_tokens,
    cache_write_tokens, nano_usd, unpriced, estimated, injected_tokens, spared_tokens, cached_without_memory,
    memory_nano_usd
FROM usage_days WHERE project = :project AND user = :user;

-- name: erase_usage
DELETE FROM usage_days WHERE project = :project AND user = :user;

-- name: window_used
-- How much of a budget's window is used.
SELECT used FROM budget_windows
WHERE scope = :scope AND measure = :measure AND starts_at_us = :starts_at_us AND ends_at_us = :ends_at_us;

-- name: charge_window
-- Use some of a budget's window, or give some back.
INSERT INTO budget_windows (scope, measure, starts_at_us, ends_at_us, used)
VALUES (:scope, :measure, :starts_at_us, :ends_at_us, MAX(0, :amount))
ON CONFLICT (scope, measure, starts_at_us, ends_at_us) DO UPDATE SET used = MAX(0, used + :amount);

-- name: prune_windows
-- Forget windows that have ended.
DELETE FROM budget_windows WHERE ends_at_us < :ended_before_us;
