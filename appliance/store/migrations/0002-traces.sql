-- What a result was made from, kept with it: a series grows, and its images then tell of another result.
create table result_input (
  result_id            integer not null references result (id) on delete cascade,
  sop_instance_uid     text    not null,
  sha256               text    not null,      -- of the data set as received, hex; also names the object file
  transfer_syntax_uid  text    not null,
  received_at          integer not null,
  primary key (result_id, sop_instance_uid, sha256)
) strict, without rowid;
insert into result_input (result_id, sop_instance_uid, sha256, transfer_syntax_uid, received_at)
  select result.id, sop_instance_uid, digest, transfer_syntax_uid, received_at
  from result join instance on instance.series_id = result.series_id and same_as is null
  where not exists (select 1 from instance as later
    where later.series_id = result.series_id and later.same_as is null and later.received_at > result.created_at);

-- What was done for a result, in order: with what, by which release, and when.
create table result_step (
  id                integer primary key,
  result_id         integer not null references result (id) on delete cascade,
  step              text    not null,
  parameters        text    not null check (json_valid(parameters)),
  software_version  text    not null,
  started_at        integer not null,
  ended_at          integer not null
) strict;
create index result_step_of on result_step (result_id);

-- Which of the objects that `uids` has names for were written; null where a release before did not note it.
alter table result add column written text check (json_valid(written));

-- A report or rejection note that is written when it is known what it has to say to those who get it.
create table document (
  id                   integer primary key,
  result_id            integer not null references result (id) on delete cascade,
  kind                 text    not null,
  says                 text    not null check (json_valid(says)),   -- what makes it another document than others of its kind
  series_instance_uid  text    not null,
  sop_instance_uid     text    not null unique,
  file                 text    not null,                            -- in the result's folder
  created_at           integer not null,
  unique (result_id, kind, says)
) strict;
-- The document that goes, chosen when its turn came, so that every try sends the same one.
alter table delivery add column document_id integer references document (id);

-- What a destination has: one row per answer by which it took an object.
create table receipt (
  id                   integer primary key,
  delivery_id          integer not null references delivery (id) on delete cascade,
  service              text    not null,      -- how the answer came: c-store
  output               text    not null,
  sop_class_uid        text    not null,
  series_instance_uid  text    not null,
  sop_instance_uid     text    not null,
  sha256               text,                  -- of the data set as sent, hex; null where a release before did not note it
  ae_title             text    not null,
  status               integer not null,
  comment              text,
  at                   integer not null
) strict;
create index receipt_of on receipt (delivery_id);
insert into receipt (delivery_id, service, output, sop_class_uid, series_instance_uid, sop_instance_uid, ae_title, status, comment, at)
  select sent.id, 'c-store', output,
    case output when 'seg' then '1.2.840.10008.5.1.4.1.1.66.4' when 'seg-labelmap' then '1.2.840.10008.5.1.4.1.1.66.7'
      when 'rtstruct' then '1.2.840.10008.5.1.4.1.1.481.3' when 'sr' then '1.2.840.10008.5.1.4.1.1.88.34'
      when 'secondary-capture' then '1.2.840.10008.5.1.4.1.1.7' when 'pdf' then '1.2.840.10008.5.1.4.1.1.104.1'
      else '1.2.840.10008.5.1.4.1.1.88.59' end,
    json_extract(uids, '$."' || output || '".seriesInstanceUid'), json_extract(uids, '$."' || output || '".sopInstanceUid'),
    ifnull((select ae_title from remote_node where name = destination), ''), ifnull(status, 0), comment, delivered_at
  from (select *, json_extract(choices, '$[' || position || ']') as output from delivery where state = 'delivered') as sent
  join result on result.id = sent.result_id;
