-- Where a node calls from: JSON list of addresses and networks; null: its host.
alter table remote_node add column calls_from text check (json_valid(calls_from));
-- How TLS is spoken with a node, JSON; null: not at all.
alter table remote_node add column tls text check (json_valid(tls));

-- Who was turned away at the DICOM port, one row per caller and reason.
create table refused_caller (
  id                integer primary key,
  calling_ae_title  text    not null,
  called_ae_title   text    not null,
  address           text    not null,
  reason            text    not null,
  detail            text    not null,              -- what the reason is too coarse to say, or empty
  count             integer not null check (count > 0),
  first_at          integer not null,
  last_at           integer not null,
  unique (calling_ae_title, called_ae_title, address, reason, detail)
) strict;
