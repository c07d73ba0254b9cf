-- Operators list what was given up; it is little, and the queue around it can be long.
CREATE INDEX webhook_deliveries_parked ON webhook_deliveries (id) WHERE given_up;
