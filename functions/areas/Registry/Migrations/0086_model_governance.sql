-- The registry beyond MLflow: signatures, cards, who moved which version where, and promotions with evidence and approval.
ALTER TABLE models ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE model_versions ADD COLUMN revision bigint NOT NULL DEFAULT 1, ADD COLUMN signature jsonb, ADD COLUMN input_example jsonb;

CREATE TABLE model_cards (
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    -- 0: of the model itself.
    version integer NOT NULL,
    revision bigint NOT NULL,
    text text NOT NULL,
    author_id text COLLATE "C" NOT NULL,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, version, revision)
);

CREATE TABLE model_promotion_rules (
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    kind text NOT NULL CHECK (kind IN ('stage', 'alias')),
    -- Lower case.
    name text NOT NULL,
    -- MetricThreshold[].
    thresholds jsonb NOT NULL,
    require_quality_report boolean NOT NULL,
    min_quality_score double precision,
    approver text NOT NULL,
    expires_after_hours integer NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, kind, name)
);

CREATE TABLE model_promotions (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    version integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('stage', 'alias')),
    name text NOT NULL,
    archive_existing boolean NOT NULL,
    status text NOT NULL,
    comment text,
    -- PromotionEvidence[].
    evidence jsonb NOT NULL,
    requested_by text COLLATE "C" NOT NULL,
    requested_by_name text NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_by text COLLATE "C",
    decided_by_name text,
    decided_at timestamptz,
    decision_comment text,
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version)
);
-- One open request per version and target.
CREATE UNIQUE INDEX model_promotions_open ON model_promotions (model_id, version, kind, name) WHERE status = 'pending';
CREATE INDEX model_promotions_expiry ON model_promotions (expires_at) WHERE status = 'pending';
CREATE INDEX model_promotions_model ON model_promotions (model_id, id);
CREATE INDEX model_promotions_project ON model_promotions (project_id, id);

-- Every move of a stage or an alias, by whichever API.
CREATE TABLE model_moves (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_id text COLLATE "C" NOT NULL REFERENCES models (id),
    version integer NOT NULL,
    kind text NOT NULL,
    moved_from text,
    moved_to text,
    promotion_id text COLLATE "C",
    actor_id text COLLATE "C" NOT NULL,
    actor_name text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (model_id, id)
);
