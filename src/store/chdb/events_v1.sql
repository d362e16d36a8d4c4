-- One row per event. Rows never change; retention deletes them. A new shape is a new table (events_v2).
--
-- Compressed blocks are small (16 KiB, the default is 64 KiB) except those of raw: the 50 events that a lookup returns
-- may lie in 50 places, and in each a block of every column is decompressed.
CREATE TABLE IF NOT EXISTS events_v1
(
    -- The place in the log: loads, follow() and the watermark ask by it. It grows, so Delta leaves next to nothing.
    seq UInt64 CODEC(Delta, ZSTD(1)) SETTINGS (min_compress_block_size = 16384),

    -- What lookups and selectors ask, in the order of event/row.ts.
    -- LowCardinality: numbers into a dictionary instead of text, where values come again and again. Where a part holds too
    -- many different values the engine itself goes back to text.
    owner_account LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    -- A String: event ids need not be UUIDs, and order by their bytes.
    event_id String CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    event_source LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    event_name LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    event_category LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    event_type LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    read_only LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    region LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    recipient_account LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    user_type LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    user_arn LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    principal_id LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    user_name LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    access_key_id LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    source_ip LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    error_code LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    vpc_endpoint_id LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    session_from_console LowCardinality(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    lookup_resource_types Array(LowCardinality(String)) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    lookup_resource_names Array(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    resources_type Array(LowCardinality(String)) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    resources_arn Array(String) CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    ingest_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    keep_until DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    flags UInt8 CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),

    -- 1: an earlier event has this identity and other bytes.
    variant UInt8 CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 16384),
    -- The accepted JSON, byte for byte. ZSTD(1): a higher level or longer blocks gain a few percent for twice the work.
    raw String CODEC(ZSTD(1)),

    -- Bloom filters where nearly every row has a value of its own: an inverted list of such values would cost ten times
    -- as much. One filter for 1024 rows; of ten million events ten filters say "maybe" by mistake.
    INDEX by_event_id event_id TYPE bloom_filter(0.001) GRANULARITY 2,
    INDEX by_resource_name lookup_resource_names TYPE bloom_filter(0.002) GRANULARITY 2,
    -- Inverted lists of whole values elsewhere: they find a rare value's rows and know an absent one without touching
    -- the rows, and so cost the same in ten times the events. A filter per granule answers "maybe" for common values,
    -- and a scan grows with the table. Bit-packed, the lists take two thirds.
    INDEX by_access_key_id access_key_id TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX by_user_name user_name TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX by_event_name event_name TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX by_event_source event_source TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX by_resource_type lookup_resource_types TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    -- Two values and empty: only a stretch without one of them can be skipped.
    INDEX by_read_only read_only TYPE set(4) GRANULARITY 128,
    -- seq follows event time only roughly; this lets follow() skip what lies outside its window.
    INDEX by_seq seq TYPE minmax GRANULARITY 2
)
ENGINE = MergeTree
-- Months: a time range reads only its own, retention drops whole ones, and an import of years makes few parts.
PARTITION BY toYYYYMM(event_time)
-- Lookups want the newest (or oldest) of a time range: read in this order they stop after one page. The id and seq
-- make the order total, so that a page can continue behind any row.
ORDER BY (event_time, event_id, seq)
SETTINGS
    -- A row is read with its granule: of 8192 rows of 1.5 kB each that would be 12 MB for one event. Half as large a one
    -- takes two percent more disk and a quarter more work when loading, and spares a lookup a tenth.
    index_granularity = 512,
    -- load() is durable when it resolves, and the journal lets go of the segment then.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- chDB takes the parts that a merge has replaced away at once. So the merged part must be on disk before that, and
    -- the old ones stay a little longer in case it turns out to be broken.
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    old_parts_lifetime = 60,
    -- A lookup opens every part in its time range. A month that nothing came into for an hour becomes one part, unless
    -- that would be a large one: it would be written anew for each late event.
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1,
    max_bytes_to_merge_at_max_space_in_pool = 5000000000,
    -- Parts are merged when there are about so many of a size (the default is 5): each event is written anew fewer times.
    merge_selector_base = 8
