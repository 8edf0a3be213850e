-- Whether the destination has committed itself to keep what it took (Storage Commitment); null: it was not asked to.
alter table delivery add column commitment text check (commitment in ('asked', 'committed', 'failed'));

-- One request to commit, for one delivered object.
create table commitment (
  id                integer primary key,
  transaction_uid   text    not null unique,
  delivery_id       integer not null references delivery (id) on delete cascade,
  sop_class_uid     text    not null,
  sop_instance_uid  text    not null,
  state             text    not null default 'waiting' check (state in ('waiting', 'committed', 'refused', 'timed-out')),
  failure_reason    integer,                                -- (0008,1197)
  counts            integer not null default 1 check (counts in (0, 1)),   -- 0: of before a person's "send again"
  requested_at      integer not null,
  due_at            integer not null,                       -- without an answer by then it is asked again
  answered_at       integer
) strict;
create index commitment_of on commitment (delivery_id);
