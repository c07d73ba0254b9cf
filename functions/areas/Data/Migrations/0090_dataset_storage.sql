-- Chunks of large files are shared between versions; what nobody uses any more is freed.

-- The blob that holds a content; null for contents of before, whose blob is {project}/sha256/{first two digits}/{hash}. Names are
-- never used twice, so that freeing one content cannot hit another. A content with parts has no blob of its own.
ALTER TABLE dataset_contents ADD COLUMN blob text COLLATE "C";
-- Set when a version that used it went away: the collector looks whether others do.
ALTER TABLE dataset_contents ADD COLUMN suspect_at timestamptz;
CREATE UNIQUE INDEX dataset_contents_blob ON dataset_contents (blob) WHERE blob IS NOT NULL;
CREATE INDEX dataset_contents_suspects ON dataset_contents (suspect_at) WHERE suspect_at IS NOT NULL;

-- A content that is put together from ranges of others, which have blobs.
CREATE TABLE dataset_content_parts (
    project_id text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    position integer NOT NULL,
    part_sha256 bytea NOT NULL,
    part_offset bigint NOT NULL,
    length bigint NOT NULL,
    PRIMARY KEY (project_id, sha256, position),
    FOREIGN KEY (project_id, sha256) REFERENCES dataset_contents (project_id, sha256) ON DELETE CASCADE,
    FOREIGN KEY (project_id, part_sha256) REFERENCES dataset_contents (project_id, sha256)
);
CREATE INDEX dataset_content_parts_part ON dataset_content_parts (project_id, part_sha256);

-- Where each known chunk lies.
CREATE TABLE dataset_chunks (
    project_id text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    length integer NOT NULL,
    content_sha256 bytea NOT NULL,
    content_offset bigint NOT NULL,
    PRIMARY KEY (project_id, sha256),
    FOREIGN KEY (project_id, content_sha256) REFERENCES dataset_contents (project_id, sha256) ON DELETE CASCADE
);
CREATE INDEX dataset_chunks_content ON dataset_chunks (project_id, content_sha256);

-- The chunks of files that a draft announces (records of 36 bytes); gone with the commit.
CREATE TABLE dataset_draft_chunks (
    version_id text COLLATE "C" NOT NULL REFERENCES dataset_versions (id) ON DELETE CASCADE,
    sha256 bytea NOT NULL,
    chunks bytea NOT NULL,
    PRIMARY KEY (version_id, sha256)
);

ALTER TABLE datasets ADD COLUMN row_version bigint NOT NULL DEFAULT 1;
ALTER TABLE dataset_versions
    ADD COLUMN parent integer,
    ADD COLUMN tags jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN row_version bigint NOT NULL DEFAULT 1,
    ADD COLUMN deleted_at timestamptz,
    -- When its manifest was dropped; the row stays, jobs and models name it.
    ADD COLUMN purged_at timestamptz;
CREATE INDEX dataset_versions_deleted ON dataset_versions (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX dataset_versions_same ON dataset_versions (dataset_id, digest) WHERE status = 'draft';
