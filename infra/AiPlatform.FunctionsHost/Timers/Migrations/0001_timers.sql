CREATE TABLE IF NOT EXISTS functions_host_timers (
    app text NOT NULL,
    function text NOT NULL,
    -- What the times below were computed from; another schedule begins anew.
    schedule text NOT NULL,
    last timestamptz,
    next timestamptz NOT NULL,
    updated timestamptz NOT NULL DEFAULT now(),
    -- The host in which it runs now, and until when that is believed without hearing from it.
    owner uuid,
    lease_until timestamptz,
    PRIMARY KEY (app, function)
);
