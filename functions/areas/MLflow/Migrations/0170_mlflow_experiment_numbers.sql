-- MLflow's clients know experiments by decimal numbers, and 0 is a project's default one. The platform's own ids stay valid beside them.
CREATE SEQUENCE experiments_number;
ALTER TABLE experiments ADD COLUMN number bigint NOT NULL DEFAULT nextval('experiments_number');
ALTER SEQUENCE experiments_number OWNED BY experiments.number;
CREATE UNIQUE INDEX experiments_by_number ON experiments (number);
ALTER TABLE experiments ADD COLUMN mlflow_id text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN is_default THEN '0' ELSE number::text END) STORED;
