ALTER TABLE queue
    ADD COLUMN kind smallint NOT NULL DEFAULT 0,
    ADD COLUMN properties jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN rules jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN is_configured boolean NOT NULL DEFAULT true,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE message ADD COLUMN session_id text;
CREATE INDEX message_session ON message (queue_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE message_history (queue_id int, message_id text, until timestamptz NOT NULL, PRIMARY KEY (queue_id, message_id));
CREATE INDEX message_history_until ON message_history (until);
CREATE TABLE session_state (queue_id int, session_id text, state bytea NOT NULL, updated_at timestamptz NOT NULL, PRIMARY KEY (queue_id, session_id));
