-- Null: a node's token counts only from where the node calls from. anywhere: wherever it is shown.
alter table remote_node add column token_from text check (token_from in ('anywhere'));
