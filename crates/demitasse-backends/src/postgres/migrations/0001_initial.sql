-- Ids and hashes are lower-case hex, times are Unix milliseconds, JSON is text. Ids are compared by their bytes.

-- The oldest version of this schema whose programs may still use it; see the module `migrate`.
CREATE TABLE schema_version (
    id                 BIGINT PRIMARY KEY CHECK (id = 1),
    oldest_compatible  BIGINT NOT NULL
);

INSERT INTO schema_version (id, oldest_compatible) VALUES (1, 1);

-- The last sequence number. Half-empty pages: each new version of the row finds room beside the last.
CREATE TABLE counters (
    name   TEXT   PRIMARY KEY,
    value  BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO counters (name, value) VALUES ('sequence', 0);

CREATE TABLE images (
    sequence    BIGINT PRIMARY KEY,
    id          TEXT   COLLATE "C" NOT NULL UNIQUE,
    owner       TEXT   COLLATE "C" NOT NULL,
    file_name   TEXT,
    sha256      TEXT   COLLATE "C" NOT NULL,
    bytes       BIGINT NOT NULL,
    media_type  TEXT   NOT NULL,
    width       BIGINT NOT NULL,
    height      BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);

-- Lists: one owner's images in order.
CREATE INDEX images_of_owner ON images (owner, sequence);

CREATE TABLE jobs (
    sequence            BIGINT PRIMARY KEY REFERENCES images (sequence) ON DELETE CASCADE,
    id                  TEXT   COLLATE "C" NOT NULL UNIQUE,
    image_id            TEXT   COLLATE "C" NOT NULL,
    owner               TEXT   COLLATE "C" NOT NULL,
    state               TEXT   COLLATE "C" NOT NULL
        CHECK (state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')),
    request             TEXT   NOT NULL,
    request_key         TEXT   COLLATE "C" NOT NULL,
    attempt             BIGINT NOT NULL,
    max_attempts        BIGINT NOT NULL,
    -- 0 high, 1 normal, 2 low
    priority            BIGINT NOT NULL,
    trace               TEXT,
    lease               TEXT   COLLATE "C",
    failure_code        TEXT,
    failure_detail      TEXT,
    variant_sha256      TEXT   COLLATE "C",
    variant_bytes       BIGINT,
    variant_media_type  TEXT,
    variant_width       BIGINT,
    variant_height      BIGINT,
    variant_outcome     TEXT,
    variant_reason      TEXT,
    variant_score       DOUBLE PRECISION,
    report              TEXT,
    announcement        TEXT CHECK (announcement IN ('pending', 'delivered', 'given_up')),
    announce_attempts   BIGINT NOT NULL DEFAULT 0,
    announce_at         BIGINT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    CHECK ((state = 'running') = (lease IS NOT NULL)),
    CHECK ((state = 'succeeded') = (variant_sha256 IS NOT NULL)),
    CHECK ((announcement IS NULL) = (announce_at IS NULL))
) WITH (fillfactor = 80);

-- The sweep: few rows, whatever the number of finished jobs.
CREATE INDEX jobs_unfinished ON jobs (sequence) WHERE state IN ('queued', 'running', 'retrying');

-- Equal work that was done before.
CREATE INDEX jobs_succeeded ON jobs (request_key, sequence) WHERE state = 'succeeded';

-- The announcer: few rows, whatever the number of finished jobs.
CREATE INDEX jobs_unannounced ON jobs (announce_at, sequence) WHERE announcement = 'pending';

-- The queue holds open work only; a finished job's entry is deleted. No foreign key: an entry is a hint, the row is
-- the truth, and the queue may serve jobs whose rows live elsewhere.
-- Room in each page, so that a claim or a heartbeat, which change no indexed column, stay beside the last version of
-- their row; and an early vacuum, since every entry ends as a dead row that claims would walk past.
CREATE TABLE queue_entries (
    job_id       TEXT   COLLATE "C" PRIMARY KEY,
    sequence     BIGINT NOT NULL,
    priority     BIGINT NOT NULL,
    ready_at     BIGINT NOT NULL,
    lease        TEXT   COLLATE "C",
    lease_until  BIGINT,
    deliveries   BIGINT NOT NULL DEFAULT 0,
    worker       TEXT,
    -- When the entry was buried; it is never handed out.
    dead_at      BIGINT,
    CHECK ((lease IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Claims, by priority and oldest first.
CREATE INDEX queue_order ON queue_entries (priority, sequence, job_id) WHERE dead_at IS NULL;
CREATE INDEX queue_dead ON queue_entries (dead_at) WHERE dead_at IS NOT NULL;

CREATE TABLE subscriptions (
    endpoint    TEXT   COLLATE "C" PRIMARY KEY,
    owner       TEXT   COLLATE "C" NOT NULL,
    p256dh      TEXT   NOT NULL,
    auth        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE INDEX subscriptions_of_owner ON subscriptions (owner);

-- What is generated once, and every process must agree on.
CREATE TABLE settings (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
);

-- One row that readiness checks write, so that a full or read-only disk is noticed before an upload meets it.
CREATE TABLE health (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    checked_at  BIGINT NOT NULL
);
