-- What counts, in one place: fold, readers and verify all sum this view, so that they cannot differ.
CREATE VIEW ledger_entry AS
SELECT lane, batch_id, occurred_at, attribution_id, end_user_id, run_id, session_id,
       1::bigint AS events,
       requests::bigint AS calls,
       CASE WHEN error THEN requests ELSE 0 END::bigint AS errors,
       starts_run::integer::bigint AS runs,
       CASE WHEN cost_source = 5 THEN requests ELSE 0 END::bigint AS unpriced_calls,
       CASE WHEN cost_source = 6 THEN requests ELSE 0 END::bigint AS unknown_calls,
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
       events, calls, errors, runs, unpriced_calls, unknown_calls, input_tokens, cached_input_tokens,
       cache_write_tokens, output_tokens, reasoning_tokens, cost, error_cost, upper_bound
  FROM spend_adjustment;

-- the rows of the current quarter are updated every second: leave room for in-page (HOT) updates
ALTER TABLE spend_quarter SET (fillfactor = 80);
ALTER TABLE run SET (fillfactor = 80);
