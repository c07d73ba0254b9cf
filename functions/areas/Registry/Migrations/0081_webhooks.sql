-- The key ring of ASP.NET data protection; its secret parts are encrypted.
CREATE TABLE data_protection_keys (
    name text PRIMARY KEY,
    xml text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE webhooks (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    description text,
    url text NOT NULL,
    -- Such as model_version.created.
    events text[] NOT NULL,
    -- Encrypted; null: deliveries are not signed.
    secret bytea,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX webhooks_list ON webhooks (project_id, id);

-- One row for each delivery that is not done, written in the transaction of what it tells. due_at is also the lease of an attempt under way.
CREATE TABLE webhook_deliveries (
    id text COLLATE "C" PRIMARY KEY,
    webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event text NOT NULL,
    body text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    given_up boolean NOT NULL DEFAULT false,
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at) WHERE NOT given_up;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
