-- The audit trail is looked through by time, by who, by what and by which thing.
create index audit_at on audit (at);
create index audit_actor on audit (actor);
create index audit_action on audit (action);
create index audit_object on audit (object);
