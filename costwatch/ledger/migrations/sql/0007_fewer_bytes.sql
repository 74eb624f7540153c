-- Fewer bytes a row: NULL for a measure that is 0, no alignment holes, numbers of labels and end users in 4 bytes, and
-- of an event's key only what leads to the event. Keys, rollups and runs are written anew; events stay as they lie.
DROP VIEW ledger_entry;

ALTER TABLE usage_event
    ALTER COLUMN requests DROP NOT NULL,
    ALTER COLUMN error DROP NOT NULL,
    ALTER COLUMN starts_run DROP NOT NULL,
    ALTER COLUMN batch DROP NOT NULL,
    ALTER COLUMN usage_inconsistent DROP NOT NULL,
    ALTER COLUMN event_id DROP NOT NULL;

DO $$
DECLARE
    measure text;
BEGIN
    FOREACH measure IN ARRAY ARRAY['events', 'calls', 'errors', 'runs', 'unpriced_calls', 'unknown_calls',
        'input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'cost',
        'error_cost', 'upper_bound'] LOOP
        EXECUTE format('ALTER TABLE spend_adjustment ALTER COLUMN %1$I DROP NOT NULL, ALTER COLUMN %1$I DROP DEFAULT',
                       measure);
    END LOOP;
END $$;

CREATE VIEW ledger_entry AS
SELECT lane, batch_id, occurred_at, attribution_id, end_user_id, run_id, session_id,
       1::bigint AS events,
       coalesce(requests, 1)::bigint AS calls,
       CASE WHEN error THEN coalesce(requests, 1) ELSE 0 END::bigint AS errors,
       CASE WHEN starts_run THEN 1 ELSE 0 END::bigint AS runs,
       CASE WHEN cost_source = 5 THEN coalesce(requests, 1) ELSE 0 END::bigint AS unpriced_calls,
       CASE WHEN cost_source = 6 THEN coalesce(requests, 1) ELSE 0 END::bigint AS unknown_calls,
       coalesce(input_tokens, 0)::bigint AS input_tokens,
       coalesce(cached_input_tokens, 0)::bigint AS cached_input_tokens,
       (coalesce(cache_write_tokens, 0)::bigint + coalesce(cache_write_1h_tokens, 0)) AS cache_write_tokens,
       coalesce(output_tokens, 0)::bigint AS output_tokens,
       coalesce(reasoning_tokens, 0)::bigint AS reasoning_tokens,
       coalesce(cost, 0) AS cost,
       CASE WHEN error THEN coalesce(cost, 0) ELSE 0 END AS error_cost,
       coalesce(upper_bound, 0) AS upper_bound
  FROM usage_event
UNION ALL
SELECT lane, batch_id, occurred_at, attribution_id, end_user_id, run_id, session_id,
       coalesce(events, 0), coalesce(calls, 0), coalesce(errors, 0), coalesce(runs, 0), coalesce(unpriced_calls, 0),
       coalesce(unknown_calls, 0), coalesce(input_tokens, 0), coalesce(cached_input_tokens, 0),
       coalesce(cache_write_tokens, 0), coalesce(output_tokens, 0), coalesce(reasoning_tokens, 0), coalesce(cost, 0),
       coalesce(error_cost, 0), coalesce(upper_bound, 0)
  FROM spend_adjustment;

-- keys: the second of the event instead of its day and batch (BRIN finds it by its time)
ALTER TABLE event_key RENAME TO event_key_before;
ALTER TABLE event_key_0 RENAME TO event_key_before_0;
ALTER TABLE event_key_1 RENAME TO event_key_before_1;
ALTER TABLE event_key_2 RENAME TO event_key_before_2;
ALTER TABLE event_key_3 RENAME TO event_key_before_3;
CREATE TABLE event_key (
    lane integer NOT NULL,
    second integer NOT NULL,
    event_key uuid NOT NULL,
    alias_of uuid
) PARTITION BY HASH (event_key);
CREATE TABLE event_key_0 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE event_key_1 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE event_key_2 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE event_key_3 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO event_key (lane, second, event_key, alias_of)
SELECT k.lane, floor(extract(epoch FROM coalesce(e.occurred_at, k.day::timestamp AT TIME ZONE 'UTC')) - 1577836800),
       k.event_key, k.alias_of
  FROM event_key_before k LEFT JOIN usage_event e
    ON e.lane = k.lane AND e.event_key = coalesce(k.alias_of, k.event_key);
DROP TABLE event_key_before;
-- F in front is for ids with the time in front (ledger/keys.py): keys that have it give it up
UPDATE event_key SET event_key = overlay(event_key::text PLACING 'e' FROM 1)::uuid
 WHERE event_key >= 'f0000000-0000-0000-0000-000000000000';
UPDATE event_key SET alias_of = overlay(alias_of::text PLACING 'e' FROM 1)::uuid
 WHERE alias_of >= 'f0000000-0000-0000-0000-000000000000';
UPDATE usage_event SET event_key = overlay(event_key::text PLACING 'e' FROM 1)::uuid
 WHERE event_key >= 'f0000000-0000-0000-0000-000000000000';
UPDATE spend_adjustment SET event_key = overlay(event_key::text PLACING 'e' FROM 1)::uuid
 WHERE event_key >= 'f0000000-0000-0000-0000-000000000000';
ALTER TABLE event_key ADD PRIMARY KEY (event_key, lane);
-- an id that is a UUID is its own key from now on; events that came before are known under both
INSERT INTO event_key (lane, second, event_key, alias_of)
SELECT lane, floor(extract(epoch FROM occurred_at) - 1577836800), regexp_replace(event_id, '^0', 'f')::uuid, event_key
  FROM usage_event WHERE event_id ~ '^[0-9a-e][0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
ON CONFLICT DO NOTHING;

-- Rollups. One partition of the days for each cut: read from one table, the rows of all cuts lie mixed, and a crossing
-- took twice as long. The rows of now are updated every second: fillfactor leaves room for in-page (HOT) updates.
ALTER TABLE end_user ALTER COLUMN id TYPE integer;
ALTER TABLE spend_day RENAME TO spend_day_before;
ALTER TABLE spend_quarter RENAME TO spend_quarter_before;
DO $$
DECLARE
    cut integer;
BEGIN
    FOREACH cut IN ARRAY ARRAY[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 30] LOOP
        EXECUTE format('ALTER TABLE spend_day_%1$s RENAME TO spend_day_before_%1$s', cut);
    END LOOP;
END $$;
CREATE TABLE spend_day (
    lane integer NOT NULL,
    day date NOT NULL,
    a integer NOT NULL,
    b integer NOT NULL,
    events bigint,
    calls bigint,
    errors bigint,
    runs bigint,
    unpriced_calls bigint,
    unknown_calls bigint,
    input_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    cut smallint NOT NULL,
    cost numeric(30,12),
    error_cost numeric(30,12),
    upper_bound numeric(30,12)
) PARTITION BY LIST (cut);
DO $$
DECLARE
    cut integer;
BEGIN
    FOREACH cut IN ARRAY ARRAY[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 30] LOOP
        EXECUTE format('CREATE TABLE spend_day_%1$s PARTITION OF spend_day FOR VALUES IN (%1$s) WITH (fillfactor = 90)',
                       cut);
    END LOOP;
END $$;
INSERT INTO spend_day (lane, day, a, b, cut, events, calls, errors, runs, unpriced_calls, unknown_calls, input_tokens,
                       cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost, error_cost,
                       upper_bound)
SELECT lane, day, a, b, cut, nullif(events, 0), nullif(calls, 0), nullif(errors, 0), nullif(runs, 0),
       nullif(unpriced_calls, 0), nullif(unknown_calls, 0), nullif(input_tokens, 0), nullif(cached_input_tokens, 0),
       nullif(cache_write_tokens, 0), nullif(output_tokens, 0), nullif(reasoning_tokens, 0), nullif(cost, 0),
       nullif(error_cost, 0), nullif(upper_bound, 0)
  FROM spend_day_before ORDER BY lane, cut, day, a, b;
DROP TABLE spend_day_before;
ALTER TABLE spend_day ADD PRIMARY KEY (lane, cut, day, a, b);

CREATE TABLE spend_quarter (
    slot timestamptz NOT NULL,
    lane integer NOT NULL,
    a integer NOT NULL,
    events bigint,
    calls bigint,
    errors bigint,
    runs bigint,
    unpriced_calls bigint,
    unknown_calls bigint,
    input_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    cut smallint NOT NULL,
    cost numeric(30,12),
    error_cost numeric(30,12),
    upper_bound numeric(30,12)
) WITH (fillfactor = 90);
INSERT INTO spend_quarter (slot, lane, a, cut, events, calls, errors, runs, unpriced_calls, unknown_calls, input_tokens,
                           cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost, error_cost,
                           upper_bound)
SELECT slot, lane, a, cut, nullif(events, 0), nullif(calls, 0), nullif(errors, 0), nullif(runs, 0),
       nullif(unpriced_calls, 0), nullif(unknown_calls, 0), nullif(input_tokens, 0), nullif(cached_input_tokens, 0),
       nullif(cache_write_tokens, 0), nullif(output_tokens, 0), nullif(reasoning_tokens, 0), nullif(cost, 0),
       nullif(error_cost, 0), nullif(upper_bound, 0)
  FROM spend_quarter_before ORDER BY lane, cut, slot, a;
DROP TABLE spend_quarter_before;
ALTER TABLE spend_quarter ADD PRIMARY KEY (lane, cut, slot, a);

-- Runs. Each update changes an indexed column and is never in-page: no room is left for it. They lie by time.
ALTER TABLE run RENAME TO run_before;
ALTER SEQUENCE run_id_seq RENAME TO run_before_id_seq;
CREATE TABLE run (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    session_id bigint,
    first_at timestamptz,
    last_at timestamptz,
    lane integer NOT NULL,
    attribution_id integer,
    events integer,
    runs integer,
    calls bigint,
    errors bigint,
    unpriced_calls bigint,
    unknown_calls bigint,
    input_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    end_user_id integer,
    cost numeric(30,12) NOT NULL DEFAULT 0, -- not NULL: the dearest are found by its index
    error_cost numeric(30,12),
    upper_bound numeric(30,12),
    run_id varchar(200) NOT NULL
);
INSERT INTO run (id, session_id, first_at, last_at, lane, attribution_id, end_user_id, run_id, events, calls, errors,
                 runs, unpriced_calls, unknown_calls, input_tokens, cached_input_tokens, cache_write_tokens,
                 output_tokens, reasoning_tokens, cost, error_cost, upper_bound)
SELECT id, session_id, first_at, last_at, lane, attribution_id, end_user_id, run_id, nullif(events, 0),
       nullif(calls, 0), nullif(errors, 0), nullif(runs, 0), nullif(unpriced_calls, 0), nullif(unknown_calls, 0),
       nullif(input_tokens, 0), nullif(cached_input_tokens, 0), nullif(cache_write_tokens, 0),
       nullif(output_tokens, 0), nullif(reasoning_tokens, 0), cost, nullif(error_cost, 0), nullif(upper_bound, 0)
  FROM run_before ORDER BY last_at, id;
SELECT setval('run_id_seq', last_value, is_called) FROM run_before_id_seq;
DROP TABLE run_before;
ALTER TABLE run ADD PRIMARY KEY (id), ADD CONSTRAINT run_once UNIQUE (lane, run_id);
CREATE INDEX run_last_at ON run (lane, last_at);
CREATE INDEX run_dearest ON run (lane, cost DESC);
CREATE INDEX run_session ON run (session_id) WHERE session_id IS NOT NULL;
ANALYZE event_key, spend_day, spend_quarter, run;
