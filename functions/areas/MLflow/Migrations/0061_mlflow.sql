-- What MLflow clients know and the native API did not: the default experiment, users' names, inputs and outputs, logged models,
-- and a registry whose versions may come from anywhere.
ALTER TABLE experiments ADD COLUMN is_default boolean NOT NULL DEFAULT false, ADD COLUMN artifact_location text;
CREATE UNIQUE INDEX experiments_default ON experiments (project_id) WHERE is_default;

ALTER TABLE runs ADD COLUMN user_name text;
CREATE INDEX runs_started ON runs (experiment_id, started_at DESC, id);
-- For searches: all runs that have this key.
CREATE INDEX metric_summaries_key ON metric_summaries (key, run_id);
CREATE INDEX run_params_key ON run_params (key, run_id);
CREATE INDEX run_tags_key ON run_tags (key, run_id);

CREATE TABLE run_inputs (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    name text NOT NULL,
    digest text NOT NULL,
    source_type text NOT NULL,
    source text NOT NULL,
    schema text,
    profile text,
    tags jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, name, digest)
);

CREATE TABLE run_models (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    model_id text COLLATE "C" NOT NULL,
    direction text NOT NULL CHECK (direction IN ('input', 'output')),
    step bigint,
    PRIMARY KEY (run_id, direction, model_id)
);

CREATE TABLE logged_models (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
    run_id text COLLATE "C" REFERENCES runs (id),
    name text NOT NULL,
    model_type text,
    status text NOT NULL,
    status_message text,
    params jsonb NOT NULL DEFAULT '{}',
    tags jsonb NOT NULL DEFAULT '{}',
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX logged_models_list ON logged_models (experiment_id, created_at DESC, id) WHERE deleted_at IS NULL;

CREATE TABLE logged_model_metrics (
    model_id text COLLATE "C" NOT NULL REFERENCES logged_models (id),
    run_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    dataset_name text NOT NULL DEFAULT '',
    dataset_digest text NOT NULL DEFAULT '',
    value double precision NOT NULL,
    step bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (model_id, key, run_id, dataset_name, dataset_digest)
);

-- Files of a logged model: they belong to no run.
CREATE TABLE logged_model_artifacts (
    model_id text COLLATE "C" NOT NULL REFERENCES logged_models (id),
    path text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, path)
);

ALTER TABLE model_versions
    ALTER COLUMN run_id DROP NOT NULL, ALTER COLUMN artifact_path DROP NOT NULL, ALTER COLUMN size_bytes DROP NOT NULL, ALTER COLUMN sha256 DROP NOT NULL,
    ADD COLUMN stage text NOT NULL DEFAULT 'None' CHECK (stage IN ('None', 'Staging', 'Production', 'Archived')),
    ADD COLUMN tags jsonb NOT NULL DEFAULT '{}', ADD COLUMN source text, ADD COLUMN run_link text, ADD COLUMN logged_model_id text,
    ADD COLUMN updated_at timestamptz, ADD COLUMN deleted_at timestamptz;
UPDATE model_versions SET updated_at = created_at;
ALTER TABLE model_versions ALTER COLUMN updated_at SET NOT NULL, ALTER COLUMN updated_at SET DEFAULT now();

CREATE TABLE model_aliases (
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    alias text NOT NULL,
    version integer NOT NULL,
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version)
);
CREATE UNIQUE INDEX model_aliases_alias ON model_aliases (model_id, lower(alias));

-- Personal access tokens; only their hash is kept.
CREATE TABLE access_tokens (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX access_tokens_user ON access_tokens (user_id, id);
