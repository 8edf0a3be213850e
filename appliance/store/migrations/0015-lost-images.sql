-- Since when the file of an image is known to be missing, or to be another than was received; null: it is there. The same image again mends it.
alter table instance add column missing_since integer;
