-- Since when images arrive: the first one, or the one that opened a series again which had been judged complete. Null: of before this migration.
alter table series add column receiving_since integer;
-- How many instances of it the node that it comes from says it has, and when it said so.
alter table series add column source_node text;
alter table series add column source_count integer;
alter table series add column source_counted_at integer;

-- Each time a series was judged complete, and by what.
create table completion (
  id         integer primary key,
  series_id  integer not null references series (id) on delete cascade,
  how        text    not null check (how in ('source', 'declared', 'quiet', 'forced')),
  instances  integer not null,
  expected   integer,             -- what had to be reached
  said_by    text,                -- the node or the attribute that said so
  waited_ms  integer,             -- quiet time, or time since the first image
  at         integer not null
) strict;
create index completion_of on completion (series_id);
