-- Traces of MLflow 3 clients and OpenTelemetry exporters. Their ids are their clients' and mean something within a project only.
CREATE TABLE traces (
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    id text COLLATE "C" NOT NULL,
    experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
    client_request_id text,
    request_preview text,
    response_preview text,
    -- Milliseconds since 1970, and how many.
    started_ms bigint NOT NULL,
    duration_ms bigint,
    state text NOT NULL CHECK (state IN ('OK', 'ERROR', 'IN_PROGRESS', 'STATE_UNSPECIFIED')),
    tags jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    -- Metadata that its spans say; what the client says wins.
    derived jsonb NOT NULL DEFAULT '{}',
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX traces_list ON traces (experiment_id, started_ms DESC, id);

CREATE TABLE trace_spans (
    project_id text COLLATE "C" NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    -- Hexadecimal, as OpenTelemetry writes ids in JSON.
    id text COLLATE "C" NOT NULL,
    otel_trace_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C",
    name text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    status_message text NOT NULL,
    started_ns bigint NOT NULL,
    ended_ns bigint,
    -- From key to the JSON of the value, as a text.
    attributes jsonb NOT NULL,
    -- [{"name", "time_unix_nano", "attributes"}], as JSON that jsonb might refuse.
    events text,
    size_bytes integer NOT NULL,
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    input_cost double precision,
    output_cost double precision,
    total_cost double precision,
    PRIMARY KEY (project_id, trace_id, id),
    FOREIGN KEY (project_id, trace_id) REFERENCES traces (project_id, id) ON DELETE CASCADE
);
CREATE INDEX trace_spans_parent ON trace_spans (project_id, trace_id, parent_id);

CREATE TABLE trace_runs (
    project_id text COLLATE "C" NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, trace_id, run_id),
    FOREIGN KEY (project_id, trace_id) REFERENCES traces (project_id, id) ON DELETE CASCADE
);
CREATE INDEX trace_runs_run ON trace_runs (run_id);

-- Prompts live in the registry, and may be gone before the traces that used them.
CREATE TABLE trace_prompts (
    project_id text COLLATE "C" NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (project_id, trace_id, name, version),
    FOREIGN KEY (project_id, trace_id) REFERENCES traces (project_id, id) ON DELETE CASCADE
);

CREATE TABLE trace_assessments (
    project_id text COLLATE "C" NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    type text NOT NULL CHECK (type IN ('feedback', 'expectation', 'issue')),
    value jsonb,
    error jsonb,
    span_id text,
    source_type text NOT NULL,
    source_id text NOT NULL,
    rationale text,
    metadata jsonb NOT NULL DEFAULT '{}',
    overrides text COLLATE "C",
    valid boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, trace_id, id),
    FOREIGN KEY (project_id, trace_id) REFERENCES traces (project_id, id) ON DELETE CASCADE
);
