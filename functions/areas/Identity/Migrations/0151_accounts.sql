-- An account that is disabled keeps what it owns and reaches nothing.
ALTER TABLE users ADD COLUMN disabled_at timestamptz;

-- How often somebody tried lately, by what is limited: a level that sinks with time, or failures in a row. Wrong passwords are counted
-- where they come from and not at the account, so that nobody locks somebody else out: users.failed_logins and users.locked_until are
-- left to instances of before.
CREATE TABLE auth_throttle (
    key           text COLLATE "C" PRIMARY KEY,
    level         double precision NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    blocked_until timestamptz,
    at            timestamptz NOT NULL
);
CREATE INDEX auth_throttle_age ON auth_throttle (at);
