UPDATE held_message SET state = 'answered' WHERE state = 'retracted';
ALTER TABLE held_message DROP CONSTRAINT held_message_state_check;
ALTER TABLE held_message ADD CONSTRAINT held_message_state_check
    CHECK (state IN ('held', 'released', 'answered', 'delivered'));
DROP TABLE retracted_message;
