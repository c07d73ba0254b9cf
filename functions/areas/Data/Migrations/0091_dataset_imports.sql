-- Imports: long operations that make a version from a URL, a container or an archive.
CREATE TABLE dataset_imports (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    dataset_id text COLLATE "C" NOT NULL REFERENCES datasets (id),
    -- As requested; URLs, which may hold signatures, are encrypted and erased at the end.
    request jsonb NOT NULL,
    secret bytea,
    -- What people see of the source: no query, no user name.
    source text NOT NULL,
    status text NOT NULL,
    code text,
    arguments text[] NOT NULL DEFAULT '{}',
    -- The tag of the file whose first blocks are staged.
    source_tag text,
    done_bytes bigint NOT NULL DEFAULT 0,
    total_bytes bigint,
    version integer,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX dataset_imports_list ON dataset_imports (project_id, id);
CREATE INDEX dataset_imports_dataset ON dataset_imports (dataset_id, id);
