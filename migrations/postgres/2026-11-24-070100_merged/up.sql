-- What was merged into a conversation, read with it when something in it comes late or is taken back.
CREATE INDEX thread_merged_into ON thread (tenant, merged_into, id) WHERE merged_into IS NOT NULL;
