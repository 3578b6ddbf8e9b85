-- Priorities, cancellation, announcements, traces, dead letters, push subscriptions, settings.
-- A CHECK cannot be altered: `jobs` is copied into its new form.

CREATE TABLE jobs_new (
    sequence            INTEGER PRIMARY KEY REFERENCES images (sequence) ON DELETE CASCADE,
    id                  TEXT    NOT NULL UNIQUE,
    image_id            TEXT    NOT NULL,
    owner               TEXT    NOT NULL,
    state               TEXT    NOT NULL
        CHECK (state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')),
    request             TEXT    NOT NULL,
    request_key         TEXT    NOT NULL,
    attempt             INTEGER NOT NULL,
    max_attempts        INTEGER NOT NULL,
    -- 0 high, 1 normal, 2 low
    priority            INTEGER NOT NULL DEFAULT 1,
    trace               TEXT,
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
    announcement        TEXT CHECK (announcement IN ('pending', 'delivered', 'given_up')),
    announce_attempts   INTEGER NOT NULL DEFAULT 0,
    announce_at         INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    CHECK ((state = 'running') = (lease IS NOT NULL)),
    CHECK ((state = 'succeeded') = (variant_sha256 IS NOT NULL)),
    CHECK ((announcement IS NULL) = (announce_at IS NULL))
) STRICT;

INSERT INTO jobs_new (sequence, id, image_id, owner, state, request, request_key, attempt, max_attempts, lease,
        failure_code, failure_detail, variant_sha256, variant_bytes, variant_media_type, variant_width, variant_height,
        variant_outcome, variant_reason, variant_score, report, created_at, updated_at)
    SELECT sequence, id, image_id, owner, state, request, request_key, attempt, max_attempts, lease,
        failure_code, failure_detail, variant_sha256, variant_bytes, variant_media_type, variant_width, variant_height,
        variant_outcome, variant_reason, variant_score, report, created_at, updated_at
    FROM jobs;

DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;

CREATE INDEX jobs_unfinished ON jobs (sequence) WHERE state IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_succeeded ON jobs (request_key) WHERE state = 'succeeded';

-- The announcer: few rows, whatever the number of finished jobs.
CREATE INDEX jobs_unannounced ON jobs (announce_at, sequence) WHERE announcement = 'pending';

ALTER TABLE queue_entries ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
-- When the entry was buried; it is never handed out.
ALTER TABLE queue_entries ADD COLUMN dead_at INTEGER;

DROP INDEX queue_order;
CREATE INDEX queue_order ON queue_entries (priority, sequence, job_id) WHERE dead_at IS NULL;
CREATE INDEX queue_dead ON queue_entries (dead_at) WHERE dead_at IS NOT NULL;

CREATE TABLE subscriptions (
    endpoint    TEXT    PRIMARY KEY,
    owner       TEXT    NOT NULL,
    p256dh      TEXT    NOT NULL,
    auth        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_of_owner ON subscriptions (owner);

-- What is generated once, and every process must agree on.
CREATE TABLE settings (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
