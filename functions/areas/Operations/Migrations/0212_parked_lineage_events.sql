-- Why an event failed last, as in the other tables of deliveries.
ALTER TABLE lineage_outbox ADD COLUMN last_error text;

-- Operators list what was given up; it is little, and the queue around it can be long.
CREATE INDEX lineage_outbox_parked ON lineage_outbox (id) WHERE parked;
