-- The object that was being sent when no answer came (yet), as JSON {sopClassUid, seriesInstanceUid, sopInstanceUid}; null: each was answered.
-- Its destination may have it without our knowing: after a crash, or a connection that broke at the wrong moment.
alter table delivery add column unanswered text check (unanswered is null or json_valid(unanswered));
