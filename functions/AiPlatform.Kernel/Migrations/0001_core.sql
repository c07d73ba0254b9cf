-- Accounts, logins, projects and what every feature shares. Ids are 32 hex digits of a UUIDv7: their order is time.
CREATE TABLE users (
    id              text COLLATE "C" PRIMARY KEY,
    user_name       text NOT NULL,
    email           text,
    password_hash   text NOT NULL,
    role            text NOT NULL CHECK (role IN ('member', 'administrator')),
    failed_logins   integer NOT NULL DEFAULT 0,
    locked_until    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_user_name ON users (lower(user_name));

-- One row per refresh token; only its hash is kept. A family is one login: using a token twice ends the family.
CREATE TABLE refresh_tokens (
    token_hash      bytea PRIMARY KEY,
    family_id       text COLLATE "C" NOT NULL,
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    revoked_at      timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE projects (
    id              text COLLATE "C" PRIMARY KEY,
    name            text COLLATE "C" NOT NULL,
    description     text,
    owner_id        text COLLATE "C" NOT NULL REFERENCES users (id),
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz
);
-- A deleted project gives its name back.
CREATE UNIQUE INDEX projects_name ON projects (name) WHERE deleted_at IS NULL;
CREATE INDEX projects_owner ON projects (owner_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX projects_live ON projects (id DESC) WHERE deleted_at IS NULL;

-- Effects on orchestrations, delivered in order per instance. due_at is also the lease of a delivery under way.
CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL,
    instance_id     text COLLATE "C" NOT NULL,
    name            text,
    payload         text,
    traceparent     text,
    attempts        integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT now(),
    parked          boolean NOT NULL DEFAULT false,
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_instance ON outbox (instance_id, id);

-- Live events. xid lets readers skip nothing: rows of transactions that still run are not read yet.
CREATE TABLE events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid             bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    topic           text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    data            jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_order ON events (xid, id);
CREATE INDEX events_topic ON events (topic, xid, id);
CREATE INDEX events_age ON events (created_at);

CREATE TABLE idempotency_keys (
    caller_id       text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL,
    request_hash    bytea NOT NULL,
    status          integer,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz NOT NULL,
    PRIMARY KEY (caller_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
