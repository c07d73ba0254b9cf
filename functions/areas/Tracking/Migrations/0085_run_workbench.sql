-- What people add to runs: notes with all their versions, and views that they saved.
CREATE TABLE run_notes (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    version bigint NOT NULL,
    text text NOT NULL,
    author_id text COLLATE "C" NOT NULL,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, version)
);

CREATE TABLE run_views (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    experiment_id text COLLATE "C" REFERENCES experiments (id),
    name text NOT NULL,
    shared boolean NOT NULL,
    -- RunViewSettings.
    settings jsonb NOT NULL,
    author_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX run_views_name ON run_views (project_id, author_id, lower(name));
CREATE INDEX run_views_list ON run_views (project_id, id);

-- What runs show at a step. The bytes are an artifact of the run, and go with it.
CREATE TABLE run_media (
    id text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    key text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    step bigint NOT NULL,
    attempt integer,
    caption text,
    path text COLLATE "C" NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    width integer,
    height integer,
    created_at timestamptz NOT NULL,
    -- The same content at the same place is one item, however often it is sent.
    UNIQUE (run_id, path),
    FOREIGN KEY (run_id, path) REFERENCES artifacts (run_id, path) ON DELETE CASCADE
);
CREATE INDEX run_media_list ON run_media (run_id, key, step, id);
