-- URLs that clients may put an artifact to. What arrives there becomes an artifact when somebody looks, or at a tick.
CREATE TABLE presigned_uploads (
    upload text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    path text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL
);
CREATE INDEX presigned_uploads_run ON presigned_uploads (run_id);
CREATE INDEX presigned_uploads_looked ON presigned_uploads (looked_at);
