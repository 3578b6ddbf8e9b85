-- Blobs that may have to go: once they have been listed for long enough, and no row names them.
CREATE TABLE listed_blobs (
    kind            TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('original', 'variant')),
    sha256          TEXT   COLLATE "C" NOT NULL,
    since           BIGINT NOT NULL,
    -- Who removes the blob now, and since when.
    lease           TEXT   COLLATE "C",
    removing_since  BIGINT,
    PRIMARY KEY (kind, sha256),
    CHECK ((lease IS NULL) = (removing_since IS NULL))
);

-- The sweep, those that are listed for longest first.
CREATE INDEX listed_blobs_since ON listed_blobs (since);

-- Whether a blob is named.
CREATE INDEX images_of_blob ON images (sha256);
CREATE INDEX jobs_of_blob ON jobs (variant_sha256) WHERE variant_sha256 IS NOT NULL;

-- Retention: the images that were accepted first.
CREATE INDEX images_by_age ON images (created_at, sequence);
