-- With what a node names itself in HTTP. Bound to its name: nodes are made anew with each site file.
create table node_token (
  node_name     text primary key,
  token_digest  text    not null unique,      -- SHA-256: a stolen database opens nothing
  created_at    integer not null,
  last_used_at  integer
) strict;
-- How DICOMweb is spoken with a node, JSON; null: it speaks DIMSE.
alter table remote_node add column dicomweb text check (json_valid(dicomweb));
create index series_of_study on series (study_instance_uid);
