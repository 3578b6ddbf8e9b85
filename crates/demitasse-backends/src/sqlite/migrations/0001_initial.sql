-- Ids and hashes are lower-case hex, times are Unix milliseconds, JSON is text.

CREATE TABLE images (
    -- The order of acceptance. AUTOINCREMENT: a number is never given twice, not even after a deletion.
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    owner       TEXT    NOT NULL,
    file_name   TEXT,
    sha256      TEXT    NOT NULL,
    bytes       INTEGER NOT NULL,
    media_type  TEXT    NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- Lists: one owner's images in order (an index ends with the rowid, which is the sequence).
CREATE INDEX images_of_owner ON images (owner);

CREATE TABLE jobs (
    sequence            INTEGER PRIMARY KEY REFERENCES images (sequence) ON DELETE CASCADE,
    id                  TEXT    NOT NULL UNIQUE,
    image_id            TEXT    NOT NULL,
    owner               TEXT    NOT NULL,
    state               TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'retrying', 'succeeded', 'failed')),
    request             TEXT    NOT NULL,
    request_key         TEXT    NOT NULL,
    attempt             INTEGER NOT NULL,
    max_attempts        INTEGER NOT NULL,
    lease               TEXT,
    failure_code        TEXT,
    failure_detail      TEXT,
    variant_sha256      TEXT,
    variant_bytes       INTEGER,
    variant_media_type  TEXT,
    variant_width       INTEGER,
    variant_height      INTEGER,
    variant_outcome     TEXT,
    variant_reason      TEXT,
    variant_score       REAL,
    report              TEXT,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    CHECK ((state = 'running') = (lease IS NOT NULL)),
    CHECK ((state = 'succeeded') = (variant_sha256 IS NOT NULL))
) STRICT;

-- The sweep: few rows, whatever the number of finished jobs.
CREATE INDEX jobs_unfinished ON jobs (sequence) WHERE state IN ('queued', 'running', 'retrying');

-- Equal work that was done before.
CREATE INDEX jobs_succeeded ON jobs (request_key) WHERE state = 'succeeded';

-- The queue holds open work only; a finished job's entry is deleted. No foreign key: an entry is a hint, the row is
-- the truth, and the queue may serve jobs whose rows live elsewhere.
CREATE TABLE queue_entries (
    job_id       TEXT    PRIMARY KEY,
    sequence     INTEGER NOT NULL,
    ready_at     INTEGER NOT NULL,
    lease        TEXT,
    lease_until  INTEGER,
    deliveries   INTEGER NOT NULL DEFAULT 0,
    worker       TEXT,
    CHECK ((lease IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Claims, oldest first.
CREATE INDEX queue_order ON queue_entries (sequence, job_id);

-- One row that readiness checks write, so that a full or read-only disk is noticed before an upload meets it.
CREATE TABLE health (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    checked_at  INTEGER NOT NULL
) STRICT;
