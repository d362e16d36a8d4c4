-- One row per event. Rows never change; retention deletes them. A new shape is a new table (events_v2).
CREATE TABLE IF NOT EXISTS events_v1
(
    -- The place in the log: the loads, follow() and the watermark ask by it. 8 bytes that grow: Delta leaves almost none.
    seq UInt64 CODEC(Delta, ZSTD(1)),

    -- What lookups and selectors ask, in the order of event/row.ts.
    -- LowCardinality where a part holds few different values: a scan then compares small numbers instead of text,
    -- which is why these columns need no index. The others would only grow dictionaries.
    owner_account LowCardinality(String) CODEC(ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    event_source LowCardinality(String) CODEC(ZSTD(1)),
    event_name LowCardinality(String) CODEC(ZSTD(1)),
    event_category LowCardinality(String) CODEC(ZSTD(1)),
    event_type LowCardinality(String) CODEC(ZSTD(1)),
    read_only LowCardinality(String) CODEC(ZSTD(1)),
    region LowCardinality(String) CODEC(ZSTD(1)),
    recipient_account LowCardinality(String) CODEC(ZSTD(1)),
    user_type LowCardinality(String) CODEC(ZSTD(1)),
    user_arn String CODEC(ZSTD(1)),
    principal_id String CODEC(ZSTD(1)),
    user_name String CODEC(ZSTD(1)),
    access_key_id String CODEC(ZSTD(1)),
    source_ip String CODEC(ZSTD(1)),
    error_code LowCardinality(String) CODEC(ZSTD(1)),
    vpc_endpoint_id LowCardinality(String) CODEC(ZSTD(1)),
    session_from_console LowCardinality(String) CODEC(ZSTD(1)),
    lookup_resource_types Array(LowCardinality(String)) CODEC(ZSTD(1)),
    lookup_resource_names Array(String) CODEC(ZSTD(1)),
    resources_type Array(LowCardinality(String)) CODEC(ZSTD(1)),
    resources_arn Array(String) CODEC(ZSTD(1)),
    ingest_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    keep_until DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    flags UInt8 CODEC(ZSTD(1)),

    -- 1: an earlier event has this identity and other bytes.
    variant UInt8 CODEC(ZSTD(1)),
    -- The accepted JSON, byte for byte. ZSTD(1) takes it to a tenth and is still faster to load than LZ4 is to write.
    raw String CODEC(ZSTD(1)),

    -- Bloom filters only where a value picks few rows: there they spare nearly every granule. On event name, source or
    -- read-only they would be read and answer "maybe" for each granule.
    INDEX by_event_id event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_access_key_id access_key_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_user_name user_name TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_resource_name lookup_resource_names TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_resource_type lookup_resource_types TYPE bloom_filter(0.01) GRANULARITY 1,
    -- seq follows event time only roughly; this lets follow() skip what lies outside its window.
    INDEX by_seq seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
-- Months: a time range reads only its own, retention drops whole ones, and an import of years makes few parts.
PARTITION BY toYYYYMM(event_time)
-- Lookups want the newest (or oldest) of a time range: read in this order they stop after one page. The id and seq
-- make the order total, so that a page can continue behind any row.
ORDER BY (event_time, event_id, seq)
SETTINGS
    -- The newest 50 rows are one granule: 8192 rows each would decompress eight times the raw text.
    index_granularity = 1024,
    -- load() is durable when it resolves, and the journal lets go of the segment then.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- chDB takes the parts that a merge has replaced away at once. So the merged part must be on disk before that, and
    -- the old ones stay a little longer in case it turns out to be broken.
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    old_parts_lifetime = 60
