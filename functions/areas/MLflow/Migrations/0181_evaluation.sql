-- Evaluation datasets and scorers of MLflow 3 clients.
CREATE TABLE evaluation_datasets (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    tags jsonb NOT NULL DEFAULT '{}',
    schema text,
    profile text,
    digest text NOT NULL,
    created_by text,
    updated_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX evaluation_datasets_list ON evaluation_datasets (project_id, created_at DESC, id DESC);

CREATE TABLE evaluation_dataset_experiments (
    dataset_id text COLLATE "C" NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
    experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
    PRIMARY KEY (dataset_id, experiment_id)
);
CREATE INDEX evaluation_dataset_experiments_experiment ON evaluation_dataset_experiments (experiment_id);

-- A record is its inputs: the same inputs again change it. Texts are JSON that jsonb might refuse.
CREATE TABLE evaluation_records (
    id text COLLATE "C" NOT NULL,
    dataset_id text COLLATE "C" NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
    input_hash bytea NOT NULL,
    inputs text NOT NULL,
    outputs text,
    expectations text,
    tags text,
    source text,
    created_by text,
    updated_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (dataset_id, id),
    UNIQUE (dataset_id, input_hash)
);

CREATE TABLE scorers (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
    name text NOT NULL,
    last_version integer NOT NULL DEFAULT 0,
    UNIQUE (experiment_id, name)
);

CREATE TABLE scorer_versions (
    scorer_id text COLLATE "C" NOT NULL REFERENCES scorers (id) ON DELETE CASCADE,
    version integer NOT NULL,
    serialized text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scorer_id, version)
);
