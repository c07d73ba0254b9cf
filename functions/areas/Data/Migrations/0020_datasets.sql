-- Datasets and their versions. Content is stored once per project, addressed by its SHA-256.
CREATE TABLE datasets (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    description text,
    tags jsonb NOT NULL DEFAULT '{}',
    last_version integer NOT NULL DEFAULT 0,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX datasets_name ON datasets (project_id, lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX datasets_list ON datasets (project_id, id) WHERE deleted_at IS NULL;

CREATE TABLE dataset_versions (
    id text COLLATE "C" PRIMARY KEY,
    dataset_id text COLLATE "C" NOT NULL REFERENCES datasets (id),
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    version integer NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'ready')),
    description text,
    file_count integer NOT NULL,
    size_bytes bigint NOT NULL,
    -- Bytes that this version added to the project's storage; the rest it shares with earlier versions.
    stored_bytes bigint NOT NULL DEFAULT 0,
    -- SHA-256 over the sorted manifest: equal digests mean equal versions.
    digest bytea NOT NULL,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    committed_at timestamptz,
    UNIQUE (dataset_id, version)
);
CREATE INDEX dataset_versions_drafts ON dataset_versions (created_at) WHERE status = 'draft';

CREATE TABLE dataset_files (
    version_id text COLLATE "C" NOT NULL REFERENCES dataset_versions (id),
    path text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (version_id, path)
);
CREATE INDEX dataset_files_content ON dataset_files (sha256);

-- Verified content: a row exists only after the bytes were read back and their hash was right.
CREATE TABLE dataset_contents (
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, sha256)
);
