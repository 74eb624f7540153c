-- The fact tables. Plain PostgreSQL 15-18, nothing from contrib. Eight-byte columns first: no alignment holes.
CREATE SEQUENCE ingest_batch_id;

CREATE TABLE usage_event (
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    batch_id bigint NOT NULL,
    run_id bigint,
    session_id bigint,
    end_user_id bigint,
    event_key uuid NOT NULL,
    lane integer NOT NULL,
    attribution_id integer NOT NULL,
    price_version_id integer,
    step integer,
    requests integer NOT NULL CHECK (requests >= 1),
    input_tokens integer CHECK (input_tokens >= 0),
    output_tokens integer CHECK (output_tokens >= 0),
    cached_input_tokens integer CHECK (cached_input_tokens >= 0),
    cache_write_tokens integer CHECK (cache_write_tokens >= 0),
    cache_write_1h_tokens integer CHECK (cache_write_1h_tokens >= 0),
    reasoning_tokens integer CHECK (reasoning_tokens >= 0),
    audio_input_tokens integer CHECK (audio_input_tokens >= 0),
    audio_output_tokens integer CHECK (audio_output_tokens >= 0),
    image_input_tokens integer CHECK (image_input_tokens >= 0),
    image_output_tokens integer CHECK (image_output_tokens >= 0),
    latency_ms integer CHECK (latency_ms >= 0),
    cost_source smallint NOT NULL,
    error boolean NOT NULL,
    starts_run boolean NOT NULL,
    batch boolean NOT NULL,
    usage_inconsistent boolean NOT NULL,
    input_error boolean,
    -- "cost = cost" refuses nothing in SQL (NaN equals NaN there), so the upper bound does
    cost numeric(24,12) CHECK (cost >= 0 AND cost < 1e12),
    upper_bound numeric(24,12) CHECK (upper_bound >= 0 AND upper_bound < 1e12),
    reported_cost numeric(24,12) CHECK (reported_cost >= 0 AND reported_cost < 1e12),
    list_cost numeric(24,12) CHECK (list_cost >= 0 AND list_cost < 1e12),
    event_id text NOT NULL,
    parent_id text,
    response_id text,
    error_type text,
    tool text,
    call_fingerprint text,
    input_fingerprint text,
    service_tier text,
    region text,
    api text,
    units jsonb,
    raw_usage jsonb
) PARTITION BY RANGE (occurred_at);

-- rows of one batch lie together: BRIN finds the unfolded tail and single events (with event_key.batch_id) for ~0 bytes
CREATE INDEX usage_event_batch ON usage_event USING brin (batch_id) WITH (pages_per_range = 16);
CREATE INDEX usage_event_time ON usage_event USING brin (occurred_at) WITH (pages_per_range = 16);
CREATE INDEX usage_event_run ON usage_event (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX usage_event_attribution ON usage_event (attribution_id);
CREATE INDEX usage_event_end_user ON usage_event (end_user_id) WHERE end_user_id IS NOT NULL;
CREATE INDEX usage_event_session ON usage_event (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE event_key (
    lane integer NOT NULL,
    event_key uuid NOT NULL,
    batch_id bigint NOT NULL,
    day date NOT NULL,
    alias_of uuid,
    PRIMARY KEY (lane, event_key)
) PARTITION BY HASH (event_key);
CREATE TABLE event_key_0 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE event_key_1 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE event_key_2 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE event_key_3 PARTITION OF event_key FOR VALUES WITH (MODULUS 4, REMAINDER 3);

-- One partition for each cut: read from one table, the rows of all cuts lie mixed, and a crossing took twice as long.
CREATE TABLE spend_day (
    lane integer NOT NULL,
    cut smallint NOT NULL,
    day date NOT NULL,
    a bigint NOT NULL,
    b bigint NOT NULL,
    events bigint NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    runs bigint NOT NULL DEFAULT 0,
    unpriced_calls bigint NOT NULL DEFAULT 0,
    unknown_calls bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    cached_input_tokens bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    reasoning_tokens bigint NOT NULL DEFAULT 0,
    cost numeric(30,12) NOT NULL DEFAULT 0,
    error_cost numeric(30,12) NOT NULL DEFAULT 0,
    upper_bound numeric(30,12) NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, cut, day, a, b)
) PARTITION BY LIST (cut);
-- the rows of the current day are updated every second: fillfactor leaves room for in-page (HOT) updates
DO $$
DECLARE cut integer;
BEGIN
    FOREACH cut IN ARRAY ARRAY[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 30] LOOP
        EXECUTE format('CREATE TABLE spend_day_%s PARTITION OF spend_day FOR VALUES IN (%s) WITH (fillfactor = 80)', cut, cut);
    END LOOP;
END $$;
