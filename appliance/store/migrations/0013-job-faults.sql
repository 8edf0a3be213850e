-- Tries of a job that ended by a fault of ours; the others that failed found something away or full, and are no reason to set it aside sooner.
alter table job add column faults integer not null default 0;
