-- Settings that may change at run time, one JSON value each: station, dicom, http, provisioned.
create table setting (
  key    text primary key,
  value  text not null check (json_valid(value))
) strict;

create table remote_node (
  name      text primary key,
  ae_title  text    not null,
  host      text    not null,
  port      integer not null check (port between 1 and 65535),
  paused    integer not null default 0 check (paused in (0, 1))   -- 1: nothing is sent there until a person says so
) strict;

create table rule (
  name      text primary key,
  position  integer not null,
  rule      text    not null check (json_valid(rule))
) strict;

create table user (
  id             integer primary key,
  name           text    not null unique collate nocase,
  role           text    not null check (role in ('admin', 'engineer', 'reviewer')),
  password_hash  text    not null,
  created_at     integer not null
) strict;

create table session (
  token_digest  text primary key,             -- SHA-256 of the cookie's value: a stolen database opens no session
  user_id       integer not null references user (id) on delete cascade,
  created_at    integer not null,
  last_seen_at  integer not null
) strict;

create table series (
  id                         integer primary key,
  series_instance_uid        text    not null unique,
  study_instance_uid         text    not null,
  state                      text    not null default 'receiving' check (state in ('receiving', 'complete', 'ignored')),
  reason                     text    check (json_valid(reason)),
  modality                   text    not null,
  description                text    not null check (json_valid(description)),
  calling_ae_title           text    not null,
  called_ae_title            text    not null,
  first_received_at          integer not null,
  last_received_at           integer not null,
  last_association_ended_at  integer
) strict;

-- One row per distinct content: the same bytes again are no second row; other bytes under the same UID stand beside.
create table instance (
  id                   integer primary key,
  series_id            integer not null references series (id) on delete cascade,
  sop_instance_uid     text    not null,
  transfer_syntax_uid  text    not null,
  digest               text    not null,      -- SHA-256 of the data set, hex; also names the object file
  size_bytes           integer not null,
  facts                text    not null check (json_valid(facts)),
  received_at          integer not null,
  -- Set when it is the same image as an earlier one, under another header (a PACS coerces what it forwards): kept, but no part of the series.
  same_as              integer references instance (id) on delete cascade,
  unique (series_id, sop_instance_uid, digest)
) strict;

create table result (
  id              integer primary key,
  series_id       integer not null references series (id) on delete cascade,
  rule_name       text    not null,
  rule            text    not null check (json_valid(rule)),
  model_name      text    not null,
  model_version   text    not null,
  input_digest    text    not null,
  state           text    not null default 'pending' check (state in ('pending', 'segmented', 'ready', 'failed', 'superseded')),
  reason          text    check (json_valid(reason)),
  uids            text    not null check (json_valid(uids)),
  predecessor_id  integer references result (id) on delete set null,
  structures      text    check (json_valid(structures)),
  record          text    check (json_valid(record)),
  review          text    check (json_valid(review)),   -- a person's judgement
  created_at      integer not null,
  unique (series_id, rule_name, model_name, model_version, input_digest)
) strict;

-- One object for one destination. `choices` are what may go, first choice first; `position` is the one that goes, `refusals` say why those
-- before it did not.
create table delivery (
  id            integer primary key,
  result_id     integer not null references result (id) on delete cascade,
  destination   text    not null,
  choices       text    not null check (json_array_length(choices) > 0),
  position      integer not null default 0 check (position >= 0 and position < json_array_length(choices)),
  refusals      text    not null default '[]' check (json_valid(refusals)),
  state         text    not null default 'waiting' check (state in ('held', 'waiting', 'delivered', 'failed', 'withdrawn')),
  attempts      integer not null default 0,
  reason        text    check (json_valid(reason)),
  status        integer,
  comment       text,
  same_answers  integer not null default 0,   -- how often in a row the peer answered with `status`
  tried_at      integer,
  delivered_at  integer,
  unique (result_id, destination, choices)
) strict;
create index delivery_open on delivery (state, destination) where state <> 'delivered';

-- A job is work to be done once. While it waits, adding the same `key` again moves the waiting job instead of adding one; while it runs, a job
-- of the same key waits for its end.
create table job (
  id           integer primary key,
  kind         text    not null,
  key          text    not null,
  payload      text    not null check (json_valid(payload)),
  state        text    not null default 'waiting' check (state in ('waiting', 'running', 'failed')),
  run_at       integer not null,              -- UTC ms; a later instance of a series pushes this out
  attempt      integer not null default 0,
  crashes      integer not null default 0,    -- times the service ended while this ran
  last_error   text
) strict;
create unique index job_key on job (key) where state = 'waiting';
create unique index job_running on job (key) where state = 'running';
create index job_next on job (run_at) where state = 'waiting';

-- Who did what, append-only.
create table audit (
  id      integer primary key,
  at      integer not null,
  actor   text    not null,
  action  text    not null,
  object  text    not null,
  detail  text    not null check (json_valid(detail))
) strict;
create trigger audit_no_update before update on audit begin select raise (abort, 'the audit trail is append-only'); end;
create trigger audit_no_delete before delete on audit begin select raise (abort, 'the audit trail is append-only'); end;
