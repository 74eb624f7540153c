-- Two prices of one line at one moment would make the cost a matter of chance. GiST knows ranges without btree_gist:
-- a one-number range stands for "the same line".
ALTER TABLE pricing_priceversion ADD CONSTRAINT price_version_no_overlap EXCLUDE USING gist (
    int8range(line_id, line_id, '[]') WITH &&,
    tstzrange(valid_from, valid_until) WITH &&
) WHERE (withdrawn_at IS NULL);
