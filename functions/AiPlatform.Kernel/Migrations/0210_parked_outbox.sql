-- Operators list what was given up; it is little, and the queue around it can be long.
CREATE INDEX outbox_parked ON outbox (id) WHERE parked;
