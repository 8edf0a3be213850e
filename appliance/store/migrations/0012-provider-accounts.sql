-- Who it is at the sign-in provider: issuer, "#", its name for them. Null: they sign in by a password of this box.
alter table user add column provider_subject text;
create unique index user_of_subject on user (provider_subject) where provider_subject is not null;
