-- What chains the audit trail: for each entry the SHA-256 over the digest before and the entry (store/audit-chain.ts). A table of its own, since
-- an older release that runs on this schema writes entries without it; they are chained at the next start.
create table audit_link (
  id     integer primary key,
  digest text    not null check (length(digest) = 64)
) strict;
create trigger audit_link_no_update before update on audit_link begin select raise (abort, 'the audit trail is append-only'); end;
create trigger audit_link_no_delete before delete on audit_link begin select raise (abort, 'the audit trail is append-only'); end;
