-- Feature plural of projects.
CREATE TABLE feature_plural (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    description text,
    created_by text COLLATE "C",
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX feature_plural_name ON feature_plural (project_id, lower(name));
CREATE INDEX feature_plural_list ON feature_plural (project_id, id);
