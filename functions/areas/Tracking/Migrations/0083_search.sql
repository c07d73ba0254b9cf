-- Searches ask for params and tags by value more often than by key alone. A prefix, since an index entry is small and a value need not be.
CREATE INDEX run_params_value ON run_params (key, left(value, 64), run_id);
CREATE INDEX run_tags_value ON run_tags (key, left(value, 64), run_id);
DROP INDEX run_params_key;
DROP INDEX run_tags_key;
