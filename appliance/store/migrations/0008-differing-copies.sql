-- How many images came of the series under a SOP Instance UID that another image of it has already: other bytes, not known to be the same image.
alter table series add column differing_copies integer not null default 0;
update series set differing_copies = (
  select count(*) - count(distinct sop_instance_uid) from instance where series_id = series.id and same_as is null);
