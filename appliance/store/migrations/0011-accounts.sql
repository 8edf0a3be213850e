-- Set: the password was made by the box for one sign-in, is taken until this moment (UTC ms), and must be replaced at once. Null: it is the user's own.
alter table user add column initial_until integer;
-- Secret of the second factor (TOTP, RFC 6238), sealed under the data folder's key; null: none.
alter table user add column totp_secret text;
-- When a first code of it was right; null: it is not in use yet.
alter table user add column totp_since integer;
-- Time step of the code that was used last: none counts twice.
alter table user add column totp_last_step integer;

-- For a telephone that is lost. Each is used once.
create table recovery_code (
  user_id    integer not null references user (id) on delete cascade,
  code_hash  text    not null,                   -- argon2id
  primary key (user_id, code_hash)
) strict;

-- Where its last request came from.
alter table session add column address text not null default '';
-- 1: a second factor was given for it.
alter table session add column second_factor integer not null default 0 check (second_factor in (0, 1));
create index session_of_user on session (user_id);

-- With what a program, not a person, reads the interface.
create table api_token (
  id            integer primary key,
  name          text    not null unique collate nocase,
  scope         text    not null,
  token_digest  text    not null unique,         -- SHA-256: a stolen database opens nothing
  created_by    text    not null,
  created_at    integer not null,
  expires_at    integer not null,
  last_used_at  integer
) strict;
