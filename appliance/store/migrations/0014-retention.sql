-- When the images that a result is made from were deleted; null: they are here. A result of images that came later has nothing to do with it.
alter table result add column images_removed_at integer;
-- When a person said that nothing more is to be done about what failed of a series, or has no destination.
alter table series add column settled_at integer;
-- When all that was here of the same series before was deleted; null: nothing was.
alter table series add column earlier_removed_at integer;

-- How a deleted result was made: its provenance as JSON, compressed by gzip.
create table trace (
  result_id            integer primary key,
  study_instance_uid   text    not null,
  series_instance_uid  text    not null,
  provenance           blob    not null,
  removed_at           integer not null
) strict;
create index trace_of_study on trace (study_instance_uid);
create index trace_of_series on trace (series_instance_uid);
-- Series and SOP Instance UIDs of its objects.
create table trace_uid (
  uid        text    not null,
  result_id  integer not null references trace (result_id) on delete cascade,
  primary key (uid, result_id)
) strict, without rowid;

-- Files of rows that are gone, to be deleted: written in the transaction that deletes the rows, so that a crash in between leaves work, not litter.
create table removal (
  kind  text    not null check (kind in ('object', 'result')),
  name  text    not null,      -- digest of a received object; id of a result
  at    integer not null,
  primary key (kind, name)
) strict, without rowid;

-- The highest id that a deleted row had: it is never given again, since audit entries and folders name rows by it.
create table highest_id (
  name  text    primary key,
  id    integer not null
) strict, without rowid;
create trigger series_id_used after delete on series begin
  insert into highest_id (name, id) values ('series', old.id) on conflict (name) do update set id = max(id, excluded.id);
end;
create trigger result_id_used after delete on result begin
  insert into highest_id (name, id) values ('result', old.id) on conflict (name) do update set id = max(id, excluded.id);
end;
create trigger delivery_id_used after delete on delivery begin
  insert into highest_id (name, id) values ('delivery', old.id) on conflict (name) do update set id = max(id, excluded.id);
end;
create trigger pull_id_used after delete on pull begin
  insert into highest_id (name, id) values ('pull', old.id) on conflict (name) do update set id = max(id, excluded.id);
end;
