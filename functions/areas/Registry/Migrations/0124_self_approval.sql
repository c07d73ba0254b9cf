-- A rule may let an approver approve a request of their own: in a project of one person nobody else could.
ALTER TABLE model_promotion_rules ADD COLUMN allow_self_approval boolean NOT NULL DEFAULT false;
