"""Every limit of Drawdown, in one place: sizes, counts, waits. Units are in the names."""

from typing import Final

# --- amounts and quantities -------------------------------------------------------------------
AMOUNT_MAX: Final = 2**62 - 1  # quanta of a currency, any single amount or sum
QUANTITY_MAX: Final = 2**62 - 1  # millionths of a meter's quantum
COUNT_MAX: Final = 10**12  # tokens, characters, images, GPUs, gigabytes in one event
INTERVAL_MAX_MS: Final = 24 * 3_600_000

# --- text -------------------------------------------------------------------------------------
NAME_LENGTH_MAX: Final = 128  # account, plan, service, resource, meter, model: characters
ID_LENGTH_MAX: Final = 256  # event ids, sources, idempotency keys: characters
REJECT_DETAIL_LENGTH_MAX: Final = 500

# --- one account's state ----------------------------------------------------------------------
PLANS_MAX: Final = 64  # open and closed plans kept in an account's state
PLANS_CLOSED_KEPT_MAX: Final = 16
PLANS_PAST_MAX: Final = 2_000  # closed plans of which only a digest of the id is kept
OFFERS_MAX: Final = 16  # plans of an account that have not started
INSTALMENTS_MAX: Final = 60  # of one plan
REQUESTS_MAX: Final = 500  # payment requests of an account, planned ones included
PAYMENTS_PAST_MAX: Final = 2_000  # references of payments that an account knows again
STEPS_MAX: Final = 4_000  # that one timer does; the next timer does the rest
GAPS_MAX: Final = 64  # pauses and suspensions that a plan remembers
PAUSES_MAX: Final = 3  # of one plan
QUOTAS_MAX: Final = 16  # of one plan
SCOPE_ITEMS_MAX: Final = 16  # of one plan
DIMENSIONS_MAX: Final = 8  # of one event, price or scope item
VOUCHERS_MAX: Final = 256  # of a wallet, with something left
VOUCHER_PARTS_MAX: Final = 16
TOP_UPS_MAX: Final = 1_000  # of a wallet, with something left
WALLET_PAST_MAX: Final = 2_000  # ids of vouchers, top-ups and adjustments that a wallet knows again
CODE_TRIES_MAX: Final = 10  # voucher codes that an account may try within CODE_TRIES_WINDOW_MS
CODE_TRIES_WINDOW_MS: Final = 3_600_000
CODE_CAMPAIGNS_MAX: Final = 200  # campaigns of which a wallet counts its redemptions
CODE_LENGTH: Final = 10  # letters A to Z and digits
CODE_TYPED_MAX: Final = 40  # characters of a code as a person types it, spaces included
SPEND_HOUR_MS: Final = 3_600_000  # the stretch over which a wallet's spend rate is measured
SPEND_SERVICES_MAX: Final = 64  # whose spend rate a wallet measures
JOBS_MAX: Final = 1_000  # fine-tuning jobs remembered in an account's state
STATE_BYTES_MAX: Final = 800_000  # of an account's state when it takes up something new; the rest is for its numbers

# --- one event --------------------------------------------------------------------------------
EVENT_BYTES_MAX: Final = 64 * 1024
EVENT_DEPTH_MAX: Final = 16
REPLAY_BYTES_MAX: Final = 160 * 1024  # of a replay's command: a whole event and its headers in base64
REPLAY_HEADERS_MAX: Final = 64
PIECES_MAX: Final = 256  # rated parts of one event, before plans split them
LINES_MAX: Final = 512  # of one charge and of one overage

# --- prices -----------------------------------------------------------------------------------
BOOK_BYTES_MAX: Final = 900_000
BOOK_PRICES_MAX: Final = 5_000
PRICE_CACHE_MAX: Final = 10_000  # resolved prices remembered per book
BOOK_LEAD_MS: Final = 3_600_000  # a later version holds no sooner than this after its append
TIERS_MAX: Final = 20  # of one graduated price
COUNTERS_MAX: Final = 2_000  # of graduated and package prices, of all plans of an account and of its months on demand
COUNTERS_KEPT_MS: Final = 30 * 86_400_000  # after a period's end and the longest window: a replay still finds them

# --- windows ----------------------------------------------------------------------------------
SKEW_MS: Final = 300_000  # how far ahead of the append time an event may be
WINDOW_DEFAULT_MS: Final = 3 * 86_400_000
WINDOW_INFERENCE_MS: Final = 6 * 3_600_000
COMMAND_MEMORY_MS: Final = 7 * 86_400_000  # how long a command's idempotency key is remembered
JOB_SILENCE_MS: Final = 7 * 86_400_000  # after this a fine-tuning job is closed by a timer

# --- a plan's life ----------------------------------------------------------------------------
DAY_MS: Final = 86_400_000
PLAN_YEARS_MAX: Final = 100
PAY_WITHIN_DAYS_MAX: Final = 365  # and so long a grace for what is overdue
PAUSE_MAX_MS: Final = 30 * DAY_MS  # then it ends by itself
OFFER_VALID_MS: Final = 30 * DAY_MS  # unless the offer says another instant
REQUEST_LEAD_MS: Final = 14 * DAY_MS  # an instalment is asked for so long before it is due
PAYMENT_DUE_NOTICE_MS: Final = 3 * DAY_MS
RENEWAL_LEAD_MS: Final = 14 * DAY_MS  # before its end a plan renews itself, if its terms say so
RENEWAL_PERCENT: Final = 90  # or when so much of its amount is used
REMINDER_DAYS: Final = (30, 7, 1)  # before a plan's end, and before a voucher's expiry
USED_PERCENTS: Final = (50, 80, 90, 100)  # of a plan's amount, and of each quota

# --- the engine -------------------------------------------------------------------------------
TAKE_RECORDS_MAX: Final = 2_000
TAKE_BYTES_MAX: Final = 4 * 1024 * 1024
QUEUE_RECORDS_MAX: Final = 8_000  # fetched and waiting, per shard; past it the shard is not fetched
CACHED_STATES_MAX: Final = 50_000  # decoded account states kept by a worker, per shard
RECORD_BYTES_MAX: Final = 1_000_000  # any record produced
DEAD_LETTER_BYTES_MAX: Final = 256 * 1024  # larger input: digest and pointer instead of the bytes
DEAD_LETTER_KEY_BYTES_MAX: Final = 1_024  # a longer key is cut off
DEAD_LETTER_HEADERS_BYTES_MAX: Final = 32 * 1024  # of the input's own headers; those past it are counted, not kept
REDIS_TIMEOUT_MS: Final = 5_000
SENDS_AT_ONCE_MAX: Final = 1_000  # records that a command of an operator has on the way
TRANSACTION_TIMEOUT_MS: Final = 30_000
TRANSACTION_BATCH_BYTES: Final = 900_000  # of one batch of records, below what brokers accept by default (1 MiB)
TRANSACTION_SPACING_MS: Final = 10  # between two transactions of one worker, whatever their shard
WATERMARK_MARGIN_MS: Final = 5_000  # how far the clocks of two brokers may differ
CLOCK_ASKED_SECONDS: Final = 2  # a broker is asked for its time no more often
PARTITIONS_KNOWN_SECONDS: Final = 30  # how long a check waits for topics that a broker leaves out of its answer
WATERMARK_CARRY_MS: Final = 10_000  # how far it moves before it is carried to the next ledger again
TIMER_RESEND_MS: Final = 30_000
REJECTS_SHARE_WINDOW: Final = 1_000  # inputs over which the share of rejects is judged
REJECTS_SHARE_MAX_PERCENT: Final = 90  # above it the worker stops instead of pouring a topic away
RETRY_FIRST_MS: Final = 100
RETRY_MAX_MS: Final = 5_000
PRICES_STALE_MAX_MS: Final = 30 * 60_000  # a worker that could not read `prices` for so long stops
STOP_WAIT_SECONDS: Final = 10  # how long a stopping worker waits for its parts
PROBE_INTERVAL_MS: Final = 3_000
LOG_CLOCK_PROBE_INTERVAL_MS: Final = 500  # on local stacks whose records carry their own time: it passes in leaps
TIMERS_PER_PROBE_MAX: Final = 200
REVOKE_WAIT_SECONDS: Final = 2  # how long a revocation waits for open transactions
REQUEST_MARGIN_MS: Final = 10_000  # that a consumer's request may take longer than a session and a rebalance
OFFSET_COMMIT_INTERVAL_MS: Final = 2_000
FETCH_RECORDS_MAX: Final = 4_000  # of one fetch, over all shards
BROWSE_FETCH_BYTES: Final = 4 * 1024 * 1024  # of one partition, where people's questions are answered
FETCH_WAIT_MS: Final = 40  # how long an idle fetch waits for records
RECOVERY_CHUNK_RECORDS: Final = 2_000
RECOVERIES_AT_ONCE_MAX: Final = 4
ID_BUCKET_MS: Final = 24 * 3_600_000  # ids are forgotten by the bucket, whole
REBUILD_SWAPS_MAX: Final = 50  # a rebuild by hand catches up with its shard's owner so often, then gives up
SCRUB_IDLE_ENTRIES_MAX: Final = 20_000  # states and ids compared with Redis per probe interval, a ledger and worker
SCRUB_BUSY_ENTRIES_MAX: Final = 200  # the same while inputs wait
SCRUB_SLICE_ENTRIES: Final = 1_000  # asked of Redis at once
SCRUB_SLICE_BYTES: Final = 512 * 1024  # likewise, of the log's records
SCRUB_REST_MS: Final = 60_000  # from the end of a shard's sweep to its next one
SCRUB_JUDGEMENTS_MAX: Final = 3  # after which numbers that differ under load are no coincidence
SCRUB_WAITS_MAX: Final = 20  # probes for readers to see what was committed; then the log was cut

# --- scenarios --------------------------------------------------------------------------------
SCENARIO_BYTES_MAX: Final = 256 * 1024  # of a file
SCENARIO_DEPTH_MAX: Final = 16
SCENARIO_STEPS_MAX: Final = 1_000
SCENARIO_TIMERS_MAX: Final = 10_000  # that fire before one step

# --- files that people write ------------------------------------------------------------------
FILE_ERRORS_MAX: Final = 100  # told of one file
BOOK_DEPTH_MAX: Final = 8  # of a price book's YAML

# --- verification -----------------------------------------------------------------------------
VERIFY_AHEAD_RECORDS: Final = 4_000  # looked at ahead for a record that is not in its place: two takes
VERIFY_FINDINGS_MAX: Final = 1_000  # told of one run; the rest are counted
VERIFY_FINDINGS_PER_ACCOUNT: Final = 20
VERIFY_CROSSINGS_MAX: Final = 200_000  # records to other partitions (redemptions, forwarded ones) held at once
VERIFY_ID_SLACK_MS: Final = 2 * 86_400_000  # an id is held so long after it may be forgotten: workers forget by bucket
VERIFY_READINGS_MAX: Final = 32  # partitions read at once, each by a consumer of its own
VERIFY_RESOURCES_MAX: Final = 100_000  # whose latest interval is held, per shard, to tell overlaps
VERIFY_PROGRESS_RECORDS: Final = 100_000  # inputs of a shard between two lines of progress

# --- the history ------------------------------------------------------------------------------
HISTORY_BATCH_RECORDS: Final = 10_000  # of one transaction of the projector
HISTORY_FLUSH_MS: Final = 250  # from a record to its transaction, when fewer come
HISTORY_ACCOUNTS_KEPT_MAX: Final = 100_000  # known to the projector without asking the database
HISTORY_SERIES_KEPT_MAX: Final = 400_000  # likewise, of resources and of their meters, prices and payers
HISTORY_BUSY_SECONDS: Final = 10  # for a connection, or until another writer lets go of the database
HISTORY_STATEMENT_SECONDS: Final = 60  # of PostgreSQL, for one statement
HISTORY_READERS_MAX: Final = 8  # connections of one process to PostgreSQL
HISTORY_EXPORT_ROWS: Final = 1_000  # read from the database at once while rows are exported
EXCEL_ROWS_MAX: Final = 1_048_576  # of a sheet, its heading included
EXCEL_CELL_CHARACTERS_MAX: Final = 32_767

# --- the HTTP API -----------------------------------------------------------------------------
API_KEYS_LIVE_MAX: Final = 2  # of one holder: the one in use and the one that takes its place
API_KEY_DAYS_MAX: Final = 3_650
API_BODY_BYTES_MAX: Final = 64 * 1024  # of one request
API_WAIT_DEFAULT_MS: Final = 10_000  # for a ledger's decision, unless `Prefer: wait` says otherwise
API_WAIT_MAX_MS: Final = 30_000
API_WAITING_MAX: Final = 1_000  # requests that wait for a decision at once; more are told to come back
API_DECISIONS_KEPT_MAX: Final = 10_000  # decisions that came before their request asked for them
API_CUSTOMER_PER_SECOND: Final = 50  # requests of one customer's key, or of one address without a key, on average
API_CUSTOMER_BURST: Final = 100
API_SERVICE_PER_SECOND: Final = 2_000  # of one key of any other scope
API_SERVICE_BURST: Final = 4_000
API_CALLERS_KEPT_MAX: Final = 10_000  # whose rate is counted; the longest unseen ones go first
API_PAGE_DEFAULT: Final = 50
API_PAGE_MAX: Final = 500
API_CURSOR_LENGTH_MAX: Final = 2_000  # characters of where a page begins
API_RETRY_SECONDS: Final = 1  # what a caller is told to wait
API_CONNECTIONS_MAX: Final = 1_000  # open at once; more are answered by 503
API_STOP_SECONDS: Final = 10  # for requests under way when the server is told to stop
API_SEND_SECONDS: Final = 10  # until a command that Kafka does not take is answered by 503
API_READY_SECONDS: Final = 3  # for Kafka and Redis to answer /ready
API_HISTORY_SECONDS: Final = 5  # that a question to the history waits for its turn
API_FORECAST_HOURS: Final = 24  # whose spending a forecast takes to go on, unless told
API_FORECAST_HOURS_MAX: Final = 31 * 24
API_EXPORTS_MAX: Final = 2  # written at once
API_CHARGES_TRIED_MAX: Final = 1_000  # read for one page of an entry's charges; the next page goes on from there
API_SCANS_MAX: Final = 4  # requests that read topics at once, each by a consumer of its own; more wait
API_SCAN_SECONDS: Final = 5  # for one of them, its wait included; then it tells what it has
API_SCAN_RECORDS_MAX: Final = 20_000  # read for one page; the next page goes on from there
API_SCAN_FETCH_BYTES: Final = 128 * 1024  # of a partition: taking a fetch apart holds other requests up
API_SCAN_CHUNK_RECORDS: Final = 500  # of a partition, read at a time from its end backwards
API_SCAN_YIELD_RECORDS: Final = 50  # read before other requests have their turn
API_PROOF_SECONDS: Final = 20  # for the proof that a replayed event has no outcome
API_CODES_MAX: Final = 1_000  # voucher codes issued by one request
API_CODES_KEY_LENGTH_MIN: Final = 16  # characters of the Idempotency-Key, which its codes are derived from
API_CORS_ORIGINS_MAX: Final = 100
API_CORS_AGE_SECONDS: Final = 600  # how long a browser remembers what a site may send
