-- A tree that was cancelled: what is submitted on behalf of one of its tasks later never runs.
ALTER TABLE queue_tasks ADD COLUMN tree_cancelled boolean NOT NULL DEFAULT false;
-- How the day of the month and the day of the week of a schedule go together, where both are restricted: and, or. Null: and.
ALTER TABLE queue_schedules ADD COLUMN days text;
