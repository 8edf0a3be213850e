-- What a node does for us as the site file says, JSON list; null: it does not say.
alter table remote_node add column services text check (json_valid(services));
-- What the last test found that it does, with its time, JSON; null: never tested.
alter table remote_node add column found text check (json_valid(found));
-- Specific Character Set of what the node is asked; null: the least that says it.
alter table remote_node add column character_set text;

-- A study, or a series of it, that somebody fetches from a node.
create table pull (
  id                   integer primary key,
  node                 text    not null,
  study_instance_uid   text    not null,
  series_instance_uid  text,                  -- null: all of the study
  state                text    not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  service              text    check (service in ('c-get', 'c-move')),   -- by which it came, null before
  completed            integer not null default 0,
  failed               integer not null default 0,
  reason               text    check (json_valid(reason)),
  asked_by             text    not null,
  asked_at             integer not null,
  ended_at             integer
) strict;
