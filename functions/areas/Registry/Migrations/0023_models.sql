CREATE TABLE models (
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
CREATE UNIQUE INDEX models_name ON models (project_id, lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX models_list ON models (project_id, id) WHERE deleted_at IS NULL;

CREATE TABLE model_versions (
    id text COLLATE "C" PRIMARY KEY,
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    version integer NOT NULL,
    description text,
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    job_id text COLLATE "C" REFERENCES jobs (id),
    -- The job asked for this version at its end; null when a person registered it.
    registered_by_job text COLLATE "C" UNIQUE REFERENCES jobs (id),
    artifact_path text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    metrics jsonb NOT NULL DEFAULT '{}',
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    UNIQUE (model_id, version)
);

-- What came from what. Written in the transaction that made it true; never changed.
CREATE TABLE lineage_edges (
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    from_kind text NOT NULL,
    from_id text COLLATE "C" NOT NULL,
    to_kind text NOT NULL,
    to_id text COLLATE "C" NOT NULL,
    relation text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (from_id, to_id, relation, from_kind, to_kind)
);
CREATE INDEX lineage_edges_up ON lineage_edges (to_id);
