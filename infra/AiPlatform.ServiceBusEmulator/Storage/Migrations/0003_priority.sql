ALTER TABLE message ADD COLUMN priority smallint;
