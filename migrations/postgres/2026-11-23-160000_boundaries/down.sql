DELETE FROM obligation_override WHERE kind IN ('exempt-limit', 'exempt-quiet');
ALTER TABLE obligation_override DROP CONSTRAINT obligation_override_kind_check;
ALTER TABLE obligation_override ADD CONSTRAINT obligation_override_kind_check
    CHECK (kind IN ('extend', 'set-due', 'waive', 'pause', 'resume', 'no-reply-needed', 'resolve'));
ALTER TABLE obligation_override DROP COLUMN sender;
ALTER TABLE thread DROP COLUMN quiet_lifted_until;
ALTER TABLE thread DROP COLUMN limits_lifted_until;
DROP TABLE sender_block;
DROP TABLE held_message;
DROP TABLE correspondent;
