-- The log of requests. It is a project's and not a vault's: most gateways serve requests that touch no vault at all. What
-- is of a user goes with the user's vault.
CREATE TABLE requests (
    project       TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    started_at_us INTEGER NOT NULL,
    user          TEXT,
    model         TEXT,
    status        INTEGER NOT NULL,
    record        TEXT NOT NULL,
    PRIMARY KEY (project, request_id)
);
CREATE INDEX requests_by_time ON requests (project, started_at_us, request_id);
CREATE INDEX requests_by_user ON requests (project, user, started_at_us, request_id) WHERE user IS NOT NULL;

-- What was said in requests, where that is wanted.
CREATE TABLE request_bodies (
    vault_id      INTEGER NOT NULL,
    request_id    TEXT NOT NULL,
    project       TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    path          TEXT NOT NULL,
    query         TEXT NOT NULL,
    headers       TEXT NOT NULL,
    request       BLOB NOT NULL,
    reply         BLOB NOT NULL,
    PRIMARY KEY (vault_id, request_id)
);
CREATE UNIQUE INDEX request_bodies_by_id ON request_bodies (project, request_id);
CREATE INDEX request_bodies_by_age ON request_bodies (created_at_us);
