/**
 * Every bound of the program: sizes, counts, times. Grouped by room.
 *
 * @module
 */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const MIB = 1024 * 1024;

// model
/** One policy, one configuration file. */
export const HCL_BYTES_MAX = 1 * MIB;
export const HCL_DEPTH_MAX = 64;
/** Keys, values and comments of one text. */
export const HCL_NODES_MAX = 200_000;
export const HCL_NUMBER_CHARS_MAX = 64;
/** Of a duration as text. */
export const DURATION_CHARS_MAX = 100;
/** Of a list that is one text, with commas between them: a comma is the smallest body that makes an object of each byte. */
export const TEXT_ITEMS_MAX = 100_000;
/** What a parsed value takes in memory at most, about: a list or object, and a string, number or name besides its text. */
export const JSON_CONTAINER_BYTES = 200;
export const JSON_SCALAR_BYTES = 48;

/** Of a value that crosses between nodes: more than JSON may have, and what holds it. */
export const VALUE_DEPTH_MAX = 2_100;

// http
/** Bytes of a body that do not count towards BODIES_BYTES_MAX. */
export const BODY_BYTES_FREE = 64 * 1024;
/** Of all bodies held at once, together, as they came or as they are in memory, whichever is more. */
export const BODIES_BYTES_MAX = 256 * MIB;
export const BODY_BYTES_MAX = 32 * MIB;
/** How often Node looks for connections whose time is over. */
export const CONNECTIONS_CHECK_MS = 1 * SECOND_MS;
export const CONNECTIONS_MAX = 16_384;
export const CONNECTION_IDLE_MS = 5 * MINUTE_MS;
/** A node that leaves its cluster says in `sys/health` that it is not to be asked, for so long; then so in each reply, for so long. */
export const DRAIN_HEALTH_MS = 1 * SECOND_MS;
export const DRAIN_FAREWELL_MS = 500;
/** Of one query or form. */
export const FORM_FIELDS_MAX = 100_000;
/** Of a body that is refused: how much of it, and for how long, is read and dropped so that the client sees the refusal. */
export const LINGER_BYTES_MAX = 32 * MIB;
export const LINGER_MS = 2 * SECOND_MS;
export const OPEN_BODY_BYTES_MAX = 1 * MIB;
/** Of a request's line and headers, together. */
export const HEAD_BYTES_MAX = 64 * 1024;
/** Requests at once on one HTTP/2 connection. */
export const HTTP2_STREAMS_MAX = 250;
/** Of one HTTP/2 connection, in heads of requests and in what of replies is handed over to be sent; MiB. */
export const HTTP2_SESSION_MIB_MAX = 4;
/** What of a reply is handed over at a time. */
export const HTTP2_PIECE_BYTES = 16 * 1024;
/** The highest `max_json_depth` that may be configured: the encoder and the engines walk values by recursion. */
export const JSON_DEPTH_CEILING = 2_000;
export const JSON_DEPTH_MAX = 500;
/** Strings cut from a longer text than this are copied, so that keeping one does not keep the text. */
export const JSON_SHARED_TEXT_CHARS_MAX = 16 * 1024;
export const JSON_VALUES_MAX = 1_000_000;
/** Of a path below `/v1/`: more than anything that is stored can have. */
export const PATH_CHARS_MAX = 4_096;
/** Requests of one connection that wait until the reply to an earlier one is read; then its bytes are left where they are. */
export const PIPELINED_MAX = 8;
export const READ_HEAD_MS = 10 * SECOND_MS;
export const READ_REQUEST_MS = 30 * SECOND_MS;
/** Bytes of a reply that do not count towards REPLIES_BYTES_MAX. */
export const REPLY_BYTES_FREE = 64 * 1024;
/** How long a client may take to read a reply that counts. */
export const REPLY_READ_MS = 5 * MINUTE_MS;
/** Of all replies that clients have not read yet, together. */
export const REPLIES_BYTES_MAX = 256 * MIB;
export const REQUEST_DURATION_MS = 90 * SECOND_MS;
/** How often deadlines of requests are looked at. */
export const REQUEST_SWEEP_MS = 500;
/** How long a listener that stops waits for what is running. */
export const STOP_GRACE_MS = 10 * SECOND_MS;
/** How long one step of a stop may take: the listeners', whose own grace is shorter, then the seal's, the store's. */
export const STOP_STEP_MS = 12 * SECOND_MS;
/** What still lives in a process that has stopped keeps it for no longer than this. */
export const STOP_LINGER_MS = 2 * SECOND_MS;
/** A reply that goes on and on: its connection is asked for a sign of life after so long. */
export const STREAM_KEEPALIVE_MS = 1 * MINUTE_MS;
export const TLS_HANDSHAKE_MS = 10 * SECOND_MS;

// storage
/** Bytes of a storage path. LMDB's keys end at 1,978 bytes. */
export const STORAGE_PATH_BYTES_MAX = 1_900;
export const STORAGE_LIST_PAGE = 1_000;
export const STORAGE_VALUE_BYTES_MAX = 64 * MIB;
/** Commits that wait for a transaction; one more is answered `overloaded`. */
export const STORAGE_WAITING_MAX = 20_000;
/** Changes and bytes of one grouped transaction: what the event loop spends in one piece. A single commit may be larger. */
export const STORAGE_GROUP_CHANGES_MAX = 1_000;
export const STORAGE_GROUP_BYTES_MAX = 8 * MIB;
/** Free space of a file system, besides what a transaction wants, below which the disk is full to us. */
export const STORAGE_ROOM_BYTES_MIN = 1 * MIB;
/** For so long a look at the room on the disk counts, before a log, where there is so much more than is wanted. */
export const ROOM_LOOK_MS = 100;
export const ROOM_SPARE_BYTES = 256 * MIB;
/** Each of the two files of the embedded store's write-ahead log, and as much memory while it is written. A larger group passes it by. */
export const LOG_FILE_BYTES = 16 * MIB;
/** A log file grows by so much at a time. */
export const LOG_STEP_BYTES = MIB / 4;
/** What was written is moved from the log into the store behind it after this time at the latest, while it can be. */
export const LOG_MOVE_MS = 3 * SECOND_MS;
/** Records that one transaction moves: what the event loop spends in one piece. */
export const LOG_MOVED_AT_ONCE = 512;
/** How long a node that shares a data folder waits for one that moves what a log there holds, and how often it looks. */
export const LOG_RECOVERED_MS = 30 * SECOND_MS;
export const FOLDER_LOOK_MS = 50;
/** How long a node that shares a data folder waits, at first, to look at it alone. */
export const FOLDER_ALONE_MS = 100;
/** How long a node that shares a data folder waits for one that is just looking at it alone. */
export const FOLDER_SHARE_MS = 1 * SECOND_MS;
/** How long a transaction of an LMDB file that several processes share waits for the others. */
export const LMDB_LOCK_MS = 3 * SECOND_MS;
/** After so many transactions of such a file, readers of processes that died are cleared. */
export const LMDB_READERS_CHECK = 1_000;
/** One call to etcd or Consul, unless it says otherwise, and until the connection for it stands. */
export const STORE_CALL_MS = 10 * SECOND_MS;
export const STORE_CONNECT_MS = 1 * SECOND_MS;
/** A deadline that is noticed later than this was missed by us; the call has as long again. */
export const STORE_STALL_MS = 100;
/** To one endpoint of Consul; more calls wait for one of them. */
export const STORE_CONNECTIONS_MAX = 64;
/** Of one answer of etcd or Consul. */
export const STORE_REPLY_BYTES_MAX = 256 * MIB;
/** What etcd or Consul did not take because it was away or without a leader is tried again so long after it was last there. */
export const STORE_RETRY_MS = 2 * SECOND_MS;
export const STORE_RETRY_PAUSE_MS = 100;
/** Groups of commits that are sent side by side; a third one brings no more writes, and larger transactions cost the store less. */
export const STORE_GROUPS_AT_ONCE = 2;
/** Grouped transactions under way at once; they share no paths. */
export const STORE_TRANSACTIONS_AT_ONCE = 4;
/** Commits whose large values are being written in chunks. */
export const STORE_UPLOADS_AT_ONCE = 4;
/** Chunks that no record names are removed after this: a commit that is to name them may be under way. */
export const STORE_ORPHAN_MS = 10 * MINUTE_MS;

// actors
/** Changes in one commit (protocol §19). */
export const COMMIT_OPERATIONS = 60;
export const TIMER_PAGE = 256;
/** Due actors that are woken at once: so many of a shard, in so many shards. */
export const TIMERS_AT_ONCE = 8;
export const SHARDS_AT_ONCE = 32;
/** A due actor that could not act is tried again after this. */
export const TIMER_RETRY_MS = 5 * SECOND_MS;
/** How long a stop waits for actors at work before it wipes them all the same. */
export const ACTORS_STOP_MS = 10 * SECOND_MS;
export const PASSIVATE_EVERY_MS = 30 * SECOND_MS;
/** Entries a sweep takes at a time. */
export const SWEEP_PAGE = 256;
/** A remembered reply, encoded; a longer one is remembered as done without it (protocol §9). */
export const OUTCOME_BYTES_MAX = 512;
/** How long an entry is remembered after its last change. Of one actor, so many that clients number: a change of one more is refused. */
export const REMEMBER_MS = 180 * SECOND_MS;
export const CLIENT_ENTRIES_MAX = 256;
/** Runs of a change whose record has changed under it, before it is told so. */
export const CONFLICT_TRIES = 8;
/** A change of which it is not known whether it took effect is looked for after this, which doubles up to its longest, so often. */
export const OUTCOME_RETRY_MS = 25;
export const OUTCOME_RETRY_MAX_MS = 250;
export const OUTCOME_TRIES = 40;
/** What is left of a deleted actor is removed after this; and how often that is looked for. */
export const GONE_MS = 10 * MINUTE_MS;
export const GONE_LOOK_MS = 5 * MINUTE_MS;
/** Fences of one commit: each is compared and written. */
export const CLAIMS_AT_ONCE = 30;
/** Tries of a claim before who waits for it is told. */
export const CLAIM_TRIES = 20;
/** A shard that could not be claimed is tried again after this. */
export const CLAIM_RETRY_MS = 500;
/** Two nodes' cluster times, or cluster time and a wall clock, further apart than this are an alarm. */
export const SKEW_MS = 5 * SECOND_MS;

// cluster
/** An operator's question to another node; how long a removal waits for the eviction; how often it looks. */
export const CONTROL_ASK_MS = 2 * SECOND_MS;
/** One that stands still must not keep the others' status from being shown. */
export const STATUS_ASK_MS = 500;
export const REMOVE_WAIT_MS = 15 * SECOND_MS;
export const CONTROL_LOOK_MS = 50;
/** Between a node's answer that it has forgotten the old secret and the end of its links by that. */
export const SECRET_KEPT_MS = 100;
/** A verification: fences that are read at once, and how long a node may be behind the store before that is a fault. */
export const FENCES_AT_ONCE = 32;
export const VERIFY_ASK_MS = 15 * SECOND_MS;
export const VERIFY_BEHIND_MS = 3 * SECOND_MS;
/** How often the store's head is moved on: a store put back by more than this is noticed. */
export const STORE_HEAD_MS = 1 * MINUTE_MS;
/** Marks of the store's head that are kept, and as many of the older ones, of which each so-manieth is. */
export const STORE_MARK_BYTES = 6;
export const STORE_MARKS_EVERY = 64;
export const STORE_MARKS_MAX = 128;
export const SECRET_FILE_BYTES_MAX = 16 * 1024;
/** How often a node reads again who may be a peer; hints come sooner. Identities that the record names, and its bytes. */
export const ADMISSION_LOOK_MS = 5 * SECOND_MS;
export const ADMISSION_RECORD_BYTES_MAX = 256 * 1024;
export const IDENTITIES_MAX = 1_024;
/** Tries to write it before the operator is told that it cannot be done now. */
export const ADMISSION_TRIES = 30;
/** Between two tries to tell a member a catalog change: first, and at most. */
export const CATALOG_AGAIN_MS = 25;
export const CATALOG_AGAIN_MS_MAX = 250;
/** Until members are given up that were asked for what is missing here, and the store is read. */
export const CATALOG_SYNC_MS = 2 * SECOND_MS;
/** What a node on its way into the cluster reads is asked for again after so long without an answer: first, and at most; and after a failure. */
export const READ_AGAIN_MS = 500;
export const READ_AGAIN_MAX_MS = 2 * SECOND_MS;
export const READ_FAILED_PAUSE_MS = 100;
/** Until a member that does not answer is told a catalog change again. */
export const CATALOG_APPLY_MS = 2 * SECOND_MS;
/** What of a section may become a document: entries, and their bytes. Building it takes about 0.1 ms for each entry. */
export const CATALOG_DOCUMENT_ENTRIES_MAX = 1_000;
export const CATALOG_DOCUMENT_BYTES_MAX = 1 * MIB;
/** Who makes one lets others have their turn after so long. */
export const CATALOG_DOCUMENT_TURN_MS = 8;
/** Changes since the last snapshot that each member keeps of a section. */
export const CATALOG_HISTORY_BYTES_MAX = 4 * MIB;
/** Changes of a catalog section that its owner keeps for members that are behind, and their bytes: who lacks more reads the store. */
export const CATALOG_RECENT_MAX = 64;
export const CATALOG_RECENT_BYTES_MAX = 64 * 1024;
/** Of all entries of a catalog section: each is in memory, and a snapshot is one record. */
export const CATALOG_SECTION_BYTES_MAX = 32 * MIB;
/** Changes of a catalog section between two snapshots; their records go in one commit. */
export const CATALOG_SNAPSHOT_EVERY = 32;
/** Session deadline D, silence W before an eviction (at least σ·D), time between two beats (protocol §19). */
export const SESSION_DEADLINE_MS = 1.5 * SECOND_MS;
export const EVICTION_SILENCE_MS = 1.75 * SECOND_MS;
export const BEAT_MS = 400;
/** ρ: how far the rate of a monotonic clock may be off. */
export const CLOCK_RATE_ERROR = 0.05;
/** Wall and monotonic clock further apart than this since the last look: one of them stood still or was set. */
export const CLOCK_JUMP_MS = 200;
/** How long requests wait at a node that is out of time. */
export const HOLD_MS = 1 * SECOND_MS;
/** How long a proposed view may take until all have acknowledged it. */
export const PREPARE_MS = 5 * SECOND_MS;
/** Two members that do not hear each other for this say so in their records. */
export const UNREACHABLE_MS = 3 * SECOND_MS;
/** Time between two heartbeats to a member; the longest term that one renews; an `end` unanswered for so long stops the renewals (protocol §7). */
export const HEARTBEAT_MS = 250;
export const GRANT_MS = 1 * SECOND_MS;
export const END_OWED_MS = 500;
/** Who asks for a grant waits this long for the snapshot. */
export const GRANT_ASK_MS = 2 * SECOND_MS;
/** Replicas that a node holds; one that nobody read for the second time is let go. An actor with a larger head is not granted. */
export const REPLICAS_MAX = 100_000;
export const REPLICA_IDLE_MS = 5 * MINUTE_MS;
export const REPLICA_BYTES_MAX = 64 * 1024;
/** A replica of a `hot` actor is given to who read it so often since its last change, and not worth its `end` if it was read less often. */
export const REPLICA_READS_WORTH = 4;
/** Then it is not granted to that holder for so long: the first time, and at most, after doubling. So many such are remembered. */
export const GRANT_COLD_MS = 10 * SECOND_MS;
export const GRANT_COLD_MAX_MS = 5 * MINUTE_MS;
export const GRANTS_COLD_MAX = 20_000;
/** Who asked for what cannot be granted, such as an actor of which nothing is stored, asks again after this. */
export const GRANT_AGAIN_MS = 1 * SECOND_MS;
/** Grants that one message ends. */
export const ENDS_MAX = 1_024;
/**
 * A node evicted this often within the window, each time before it had been a member for so long, joins again only after a pause, which doubles up to
 * its longest.
 */
export const FLAPS_MAX = 3;
export const FLAP_LIFE_MS = 1 * MINUTE_MS;
export const FLAP_WINDOW_MS = 10 * MINUTE_MS;
export const FLAP_PAUSE_MS = 10 * SECOND_MS;
export const FLAP_PAUSE_MAX_MS = 5 * MINUTE_MS;
/** A node that starts opens its door when it serves: looked for so often, for so long, and for so long though nobody is seen who would let it in. */
export const JOIN_LOOK_MS = 25;
export const JOIN_WAIT_MS = 15 * SECOND_MS;
export const JOIN_NOBODY_MS = 1 * SECOND_MS;
/** A record that is nobody's in the view, and silent, is removed after this. */
export const STRAY_RECORD_MS = 1 * MINUTE_MS;
/** How often records are read again while a proposed view is pending; and otherwise by the keeper and the one after it. */
export const PENDING_LOOK_MS = 50;
export const KEEPER_LOOK_MS = 100;
/** How often the others read them: cluster time goes by them. */
export const MEMBER_LOOK_MS = 1 * MINUTE_MS;
/** A joiner whose preparations failed tries them again after this. */
export const PREPARE_RETRY_MS = 1 * SECOND_MS;
/** How often a node that leaves for good tries to take its record away before it leaves that to the others. */
export const RETIRE_TRIES = 3;
/** The fullest member of a view has at most this much of the mean share, or one shard more than it. */
export const FULLEST_SHARE_MAX = 1.15;
export const MEMBERS_MAX = 1_000;
/** Of a member's record, and of the view's. */
export const MEMBER_RECORD_BYTES_MAX = 64 * 1024;
export const VIEW_RECORD_BYTES_MAX = 256 * 1024;
/** One step of the coordinator: an answer that comes later moves no deadline. */
export const COORDINATOR_STEP_MS = SESSION_DEADLINE_MS;
/** How often each node looks whether the view has changed: over the network, and in memory shared on one machine. */
export const WATCH_LOOK_MS = 100;
export const EMBEDDED_LOOK_MS = 20;
/** How long the embedded coordinator waits, in the event loop, for another process's transaction; and at its start, and when it tries again. */
export const EMBEDDED_LOCK_MS = 20;
export const EMBEDDED_OPEN_MS = 2 * SECOND_MS;
export const EMBEDDED_RETRY_MS = 5;
/** How often a node without keys asks for them, how long it waits for an answer, and when the giver's copy is wiped. */
export const KEY_ASK_MS = 250;
export const KEY_ANSWER_MS = 2 * SECOND_MS;
export const KEY_SENT_MS = 1 * SECOND_MS;
/** A share, or the question how many were given, at the node that collects them. */
export const SHARE_ANSWER_MS = 15 * SECOND_MS;
export const SEAL_STATUS_MS = 1 * SECOND_MS;
/** How long a sealed node waits for the coordinator, and for its links, before it says by what it knows who collects shares. */
export const SEAL_AGREE_MS = 500;
/** How long an unseal waits for the node to serve, and an init for it to be alone in the view. */
export const UNSEAL_WAIT_MS = 15 * SECOND_MS;
export const FOUND_WAIT_MS = 15 * SECOND_MS;
/** How long an unseal then waits for the other nodes; for those that do not ask for keys; and how often it looks. */
export const OTHERS_OPEN_MS = 10 * SECOND_MS;
export const OTHERS_KEYS_MS = 2 * SECOND_MS;
export const OTHERS_LOOK_MS = 50;
/** How long a joiner waits for its links before it says that it cannot. */
export const LINK_WAIT_MS = 2 * SECOND_MS;
/** How long a leaver waits for its place to be taken before it goes all the same; how often it looks whether its last requests are answered. */
export const LEAVE_MS = 8 * SECOND_MS;
export const DOOR_LOOK_MS = 10;
/** A new term: one member's answer, until it is told again, and all of it. */
export const TERM_ANSWER_MS = 5 * SECOND_MS;
export const TERM_AGAIN_MS = 50;
export const TERM_TELL_MS = 30 * SECOND_MS;
/** How long an entry node sends the same change again (protocol §9, RETRY). */
export const ROUTE_RETRY_MS = 90 * SECOND_MS;
/** Pause before that: first, and the longest after doubling. */
export const ROUTE_AGAIN_MS = 25;
export const ROUTE_AGAIN_MAX_MS = 250;
/** What the store did not do is asked of it again for so long. */
export const ROUTE_STORE_MS = 2 * SECOND_MS;
/** A change whose request is authorized anew keeps its place for so long, looked at so often. */
export const ANEW_MS = 5 * SECOND_MS;
export const ANEW_LOOK_MS = 250;
/** One try; what is not answered then is sent again. */
export const ROUTE_TRY_MS = 10 * SECOND_MS;
/** An owner whose view is older than the sender's waits so long for the newer one. */
export const VIEW_WAIT_MS = 250;
/** A replica is asked for where an actor was read REPLICA_READS_WORTH times within this. So many actors are watched. */
export const HOT_READ_MS = 10 * SECOND_MS;
export const HOT_READS_NOTED = 20_000;
/** Actors whose shard is kept, so that a message costs no hash. */
export const SHARDS_NOTED = 50_000;
/** Of one message between nodes. */
export const MESSAGE_BYTES_MAX = 64 * MIB;
/** A longer message travels on a stream of its own. */
export const MESSAGE_INLINE_BYTES_MAX = 256 * 1024;
/** Messages on streams of their own, at once, each way of a link. */
export const LARGE_MESSAGES_MAX = 4;
/** What waits for one peer to read it: more is `overloaded`; twice as much, because of replies, ends the link. */
export const OUTBOX_BYTES_MAX = 16 * MIB;
export const OUTBOX_LARGE_BYTES_MAX = 128 * MIB;
/** What a waiting message counts besides its bytes. */
export const OUTBOX_MESSAGE_BYTES = 256;
/** One write to a link; more than this leaves as several. */
export const OUTBOX_WRITE_BYTES_MAX = 256 * 1024;
/** Requests of one peer that are being handled, and their bytes; one more is answered `overloaded`. */
export const PEER_REQUESTS_MAX = 8_192;
export const PEER_REQUESTS_BYTES_MAX = 64 * MIB;
/** A refusal as it crosses nodes: texts beyond this are cut off. */
export const REFUSAL_CHARS_MAX = 8 * 1024;
/** Bytes that a stream takes in before its reader has read them. */
export const STREAM_WINDOW_BYTES_MAX = 2 * MIB;
/** Of one connection, both ways' streams each. */
export const STREAMS_MAX = 8;
/** From a connection's TLS to the proof of the cluster secret, and the step before it. */
export const ADMISSION_MS = 5 * SECOND_MS;
export const CONNECTION_UPGRADE_MS = 5 * SECOND_MS;
/** Of one message of the admission. */
export const ADMISSION_BYTES_MAX = 1_024;
/** Connections that have not proven the secret: of all hosts, and of one. */
export const STRANGERS_MAX = 64;
export const STRANGERS_PER_HOST_MAX = 32;
/** New connections from one host in one second. */
export const CONNECTIONS_PER_SECOND_MAX = 64;
/** An identity that failed its proof this often gets one try in each pause. So many of them are remembered. */
export const ADMISSION_FAILURES_MAX = 5;
export const ADMISSION_PAUSE_MS = 10 * SECOND_MS;
export const ADMISSION_FAILURES_KEPT = 1_024;
/** Cluster secrets that are accepted at once, while one is being replaced. */
export const CLUSTER_SECRETS_MAX = 4;
export const CLUSTER_SECRET_BYTES = 32;
export const DIAL_MS = 5 * SECOND_MS;
/** Pause between two tries to reach a peer: the first, and the longest after doubling. */
export const REDIAL_MIN_MS = 100;
export const REDIAL_MAX_MS = 5 * SECOND_MS;
export const PEER_ADDRESSES_MAX = 16;
/** How often links are looked at; one that was silent for so long is asked for a sign of life; without one it ends. */
export const LINK_LOOK_MS = 1 * SECOND_MS;
export const LINK_SILENT_MS = 5 * SECOND_MS;
/** A link whose peer reads nothing of what waits ends after this. */
export const LINK_STALLED_MS = 10 * SECOND_MS;
/** Of two links to one peer, the one given up goes on with what runs over it, at most this long. */
export const LINK_RETIRE_MS = 5 * SECOND_MS;

// machine
/** Nodes that one command starts on one machine. */
export const NODES_MAX = 64;
/** Until a node that died is started again: the first time, and at most. One that ran for so long counts as the first time. */
export const NODE_RESTART_MS = 1 * SECOND_MS;
export const NODE_RESTART_MS_MAX = 30 * SECOND_MS;
export const NODE_STEADY_MS = MINUTE_MS;
/** How long a node that was told to end may take: longer than its own steps together would. */
export const NODE_STOP_MS = 30 * SECOND_MS;
/** A demo that is not up by then is given up; nodes that their peers have not unsealed by then are given the share. */
export const DEMO_UP_MS = 2 * MINUTE_MS;
export const DEMO_SHARE_AFTER_MS = 3 * SECOND_MS;
/** How often a demo looks whether a node is up, and how long it waits for the answer. */
export const DEMO_LOOK_MS = 25;
export const DEMO_ANSWER_MS = 2 * SECOND_MS;

// diagnose
/** A certificate that expires within this is warned of. */
export const CERTIFICATE_WARNING_MS = 30 * 24 * HOUR_MS;
/** How long a store may take to answer. */
export const DIAGNOSE_WAIT_MS = 10 * SECOND_MS;
/** Of a disk's blocks. */
export const DISK_FREE_SHARE_MIN = 0.05;
/** Connections of clients, and files, that one process may have open. */
export const OPEN_FILES_MIN = 16_384;

// cli
export const CLI_RETRY_WAIT_MIN_MS = 1 * SECOND_MS;
export const CLI_RETRY_WAIT_MAX_MS = 1.5 * SECOND_MS;
export const CLI_REPLY_BYTES_MAX = 256 * MIB;
export const CLI_TIMEOUT_MS = 60 * SECOND_MS;
/** A shell that completes a line waits no longer for the server, and is told no more names. */
export const COMPLETION_WAIT_MS = 1 * SECOND_MS;
export const COMPLETION_NAMES_MAX = 1_000;
/** Secrets that one recursive list prints unless more are asked for. */
export const KV_WALKED_MAX = 1_000_000;

// auth
/** Rules that an explanation names besides the one that decides. */
export const EXPLAINED_RULES_MAX = 100;
/** Of a role's or user's record: what it gives its tokens is in each of theirs. */
export const AUTH_RECORD_BYTES_MAX = 32 * 1024;
/** A sweep of a deleted role's secret ids that has not ended is begun again after this; none begins while the request may be under way. */
export const APPROLE_SWEEP_MS = 2 * MINUTE_MS;
/** Batch tokens that are kept opened: each is as large as its text, several times. */
export const BATCH_TOKENS_KNOWN_MAX = 2_000;
/** Networks of one token, role or user. */
export const CIDRS_MAX = 256;
/** Names whose failed logins are counted, active on one node. */
export const FAILED_LOGINS_ACTIVE_MAX = 20_000;
/** Shown of one mount in `sys/locked-users`. */
export const LOCKED_USERS_MAX = 10_000;
/** Vault's user lockout: so many failures, each within so long of the one before, and for so long. */
export const LOCKOUT_FAILURES = 5;
export const LOCKOUT_COUNT_S = 900;
export const LOCKOUT_S = 900;
/** bcrypt's bound, which clients know. */
export const PASSWORD_BYTES_MAX = 72;
/** Password hashes at once: each takes 19 MiB and a thread of libuv's, which has four, and files need some too. */
export const PASSWORDS_AT_ONCE = 2;
/** Logins that wait for that; one more is answered `overloaded`. */
export const PASSWORDS_WAITING_MAX = 256;
/** Of a role id or a secret id that somebody chose. */
export const ROLE_ID_BYTES_MAX = 4_096;
/** A claim on a role id that its role has not taken is another's to take after this: its request is over then. */
export const ROLE_ID_CLAIM_MS = 5 * MINUTE_MS;
/** Of one role on one role id: all but one are under way. */
export const ROLE_ID_CLAIMS_MAX = 64;
export const ROLES_ACTIVE_MAX = 5_000;
export const SECRET_IDS_ACTIVE_MAX = 20_000;
/** Secret ids that a sweep ends at a time. */
export const SECRET_IDS_AT_ONCE = 32;
/** Leases of which it is asked whether they are over, where a quota has no room. */
export const LEASES_DOUBTED_AT_ONCE = 64;
/** For so long a lease that is counted may not be there yet. */
export const LEASE_IS_NEW_MS = 10 * SECOND_MS;
/** Tokens whose records are read together, where all of a namespace are looked at. */
export const TOKENS_LOOKED_AT_ONCE = 64;
export const TOKENS_ACTIVE_MAX = 20_000;
/** Tokens that a tidying looks at, at a time. */
export const TIDIED_AT_ONCE = 32;
/** Ancestors of a token: each request looks at all of them. */
export const TOKEN_DEPTH_MAX = 1_000;
/** Tokens whose accessor is kept in memory. */
export const TOKENS_KNOWN_MAX = 20_000;
/** Longest token that is looked at, in UTF-16 units. */
export const TOKEN_BYTES_MAX = 8_192;
export const USERS_ACTIVE_MAX = 20_000;
/** Of a token's record: many are in memory, and much of it is in each line of the audit log. */
export const TOKEN_RECORD_BYTES_MAX = 64 * 1024;
/** Longest reply that lies in the record of the token that wraps it, and with that in memory; another one has a record of its own. */
export const WRAPPED_INLINE_BYTES_MAX = 1_024;
/** 32 days, Vault's default for both (seconds). */
export const LEASE_TTL_DEFAULT_S = 2_764_800;

// pipeline
/** Leases that one quota may allow. */
export const QUOTA_LEASES_MAX = 100_000_000;
/** Quotas of each kind: each request, and each lease, is held against all of them. */
export const QUOTAS_MAX = 1_000;
/** Clients whose requests one node counts, over all quotas. */
export const QUOTA_CLIENTS_MAX = 100_000;
export const QUOTA_COUNTERS_MAX = 20_000;
/** How far a sweep has come is noted for the whole cluster at most so often. */
export const SWEEP_NOTED_MS = 1 * SECOND_MS;
/** A sweep that failed is tried again after this. */
export const SWEEP_RETRY_MS = 5 * SECOND_MS;
/** A request whose authority changed while it waited is authorized anew, this often. */
export const STALE_CLAIMS_RETRIES = 48;
/** So many of these follow at once; before each further one is a pause, twice as long as the one before, from 1 ms up to this. */
export const STALE_CLAIMS_AT_ONCE = 3;
export const STALE_CLAIMS_PAUSE_MAX_MS = 64;
/** The request that takes a token's last use waits so long for the token to end; then that goes on behind its back. */
export const SPENT_WAIT_MS = 1 * SECOND_MS;
/** Compiled sets of policies that are kept. */
export const ACLS_MAX = 10_000;

// audit
/** Data with more values, or more characters of strings, than these is rendered in slices, one such entry at a time. */
export const AUDIT_INLINE_VALUES_MAX = 2_000;
export const AUDIT_INLINE_CHARS_MAX = 1 * MIB;
/** Rendering gives other work a turn after this. */
export const AUDIT_SLICE_MS = 4;
/** Members of one object that are still sorted: sorting a million names would hold everybody up. */
export const AUDIT_SORTED_MEMBERS_MAX = 10_000;
/** Callers, each under one verdict of its policies, that devices are told of with the same object again. */
export const AUDIT_AUTHS_KEPT = 10_000;
/** Mounts whose text a device keeps. */
export const AUDIT_MOUNTS_KEPT = 10_000;
/** HMACs of tokens and accessors that a device keeps. */
export const AUDIT_HASHES_KEPT = 20_000;
/** Longest text whose HMAC is kept, in UTF-16 units. */
export const AUDIT_HASHED_CHARS_KEPT = 256;
/** Characters that wait for one slow device; what comes on top fails on it. */
export const AUDIT_WAITING_CHARS_MAX = 256 * MIB;
/** Of large replies that wait until they are in the log, together. */
export const AUDIT_REPLIES_CHARS_MAX = 128 * MIB;
/** Lines that wait for one slow device; what comes on top fails on it. */
export const AUDIT_WAITING_LINES_MAX = 10_000;
/** Of one write: hashing it holds everybody up. */
export const AUDIT_GROUP_LINES_MAX = 500;
export const AUDIT_GROUP_CHARS_MAX = 1 * MIB;
/** A log file that was removed or moved away is noticed within this. */
export const AUDIT_FILE_CHECK_MS = 1 * SECOND_MS;
/** A checkpoint is made after so many lines, and after so long where there are fewer. */
export const AUDIT_CHECKPOINT_LINES = 1_000;
export const AUDIT_CHECKPOINT_MS = 10 * SECOND_MS;
/** Between two of them, however many lines there are. */
export const AUDIT_CHECKPOINT_REST_MS = 100;
/** For the store to take the last head of a device that is closed: keys are wiped after it. */
export const AUDIT_LAST_CHECKPOINT_MS = 2 * SECOND_MS;
/** Of a log that is gone on with: where its chain ends is looked for in so many bytes. */
export const AUDIT_RESUME_BYTES_MAX = 16 * MIB;
/** Of a device's filter, or of one condition of its exclusions; how deep parentheses may stand in it; and how many exclusions there may be. */
export const AUDIT_EXPRESSION_CHARS_MAX = 4_096;
export const AUDIT_EXPRESSION_DEPTH_MAX = 32;
export const AUDIT_EXCLUSIONS_MAX = 100;
/** Of a pattern: its steps once repetitions are written out, how often one part may be repeated, and how deep groups may stand in it. */
export const AUDIT_PATTERN_STEPS_MAX = 1_000;
export const AUDIT_PATTERN_REPEATS_MAX = 1_000;
export const AUDIT_PATTERN_DEPTH_MAX = 100;
/** Of a text that a pattern is looked for in: as long as a path can be. */
export const AUDIT_MATCHED_CHARS_MAX = 4_096;
/** For a device that is reached over a network to be reached, and to take lines. */
export const AUDIT_SEND_MS = 2 * SECOND_MS;
/** Longest that an operator may set it to. */
export const AUDIT_SEND_MAX_MS = 60 * SECOND_MS;
/** Of one line in one datagram, below what UDP carries, with what is put around it. */
export const AUDIT_DATAGRAM_BYTES_MAX = 60_000;
/** A `logger` that failed is not started again before. */
export const AUDIT_LOGGER_REST_MS = 100;
/** Requests of one `http` device that are under way at once. */
export const AUDIT_POSTS_AT_ONCE = 16;
/** Searches of clients in the logs of one node: how many, how long, how often it is asked whether they may go on, and entries of one. */
export const AUDIT_SEARCHES_MAX = 4;
export const AUDIT_SEARCH_MS = 10 * MINUTE_MS;
export const AUDIT_SEARCH_LOOK_MS = 1 * SECOND_MS;
export const AUDIT_SEARCH_ENTRIES = 10_000;
/** Of what is looked for. */
export const AUDIT_SEARCH_TEXT_CHARS_MAX = 4_096;
/** A log that is followed is looked at this often. */
export const AUDIT_FOLLOW_MS = 200;
/** Longest line of an audit log: data of the largest body, each character escaped. */
export const AUDIT_LINE_BYTES_MAX = 512 * MIB;
/** Read of each end of a file, to tell whether it is an audit log. */
export const AUDIT_LOOK_BYTES = 65_536;
/** For a device that is disabled, or whose node seals, to write what waits. */
export const AUDIT_CLOSE_MS = 5 * SECOND_MS;
/** Of chains, listed at once, and looked up at once. */
export const AUDIT_CHAINS_LISTED_MAX = 1_000;
export const AUDIT_CHAINS_AT_ONCE = 50;
/** Times that the keys of checkpoints may be rotated: the store keeps no key, it makes all of them again. */
export const AUDIT_KEY_GENERATIONS_MAX = 100;

// crypto
/** Of one public PGP key in its binary form. */
export const PGP_KEY_BYTES_MAX = 128 * 1024;

// engines
/** Of a cluster-wide setting as it is stored, and of its key; all of them are in memory. */
export const SETTING_BYTES_MAX = 128 * 1024;
export const SETTING_KEY_BYTES_MAX = 1_024;
/** Headers that audit logs may hold: each request is searched for all of them. */
export const AUDIT_HEADERS_MAX = 100;
/** Paths of one question about capabilities. */
export const CAPABILITY_PATHS_MAX = 10_000;
export const KV_ACTIVE_MAX = 20_000;
export const KV_IDLE_MS = 10 * MINUTE_MS;
export const MOUNT_PATH_BYTES_MAX = 512;
/** Of one request for random bytes. */
export const TOOLS_RANDOM_BYTES_MAX = 128 * 1024;
/** Of a mount or an audit device as it is stored; all of them are in memory. */
export const MOUNT_RECORD_BYTES_MAX = 64 * 1024;
/** From the root namespace. */
export const NAMESPACE_PATH_BYTES_MAX = 512;
export const POLICY_NAME_BYTES_MAX = 512;
export const KV_MAILBOX_MAX = 1_024;
/** Values up to this many UTF-16 units are held by their active actor; longer ones are read anew for each request. */
export const KV_HELD_CHARS_MAX = 8 * 1024;
/**
 * Payloads that rest in a secret's head: as many of the newest as have this length together, and the last in any case where an active
 * actor holds it.
 */
export const KV_HEAD_BYTES_MAX = 4 * 1024;
export const KV_HEAD_PAYLOADS_MAX = 16;
/** Payloads that one change moves out of the head. */
export const KV_MOVED_PER_CHANGE = 4;
/** Versions of one secret. Its head names them all and is written with each change. */
export const KV_VERSIONS_MAX = 30_000;
/** Versions that one change erases, so that it fits in a commit beside others. */
export const KV_ERASED_PER_CHANGE = 24;
/** Messages that one request sends at a time. */
export const KV_SENT_AT_ONCE = 64;
/** A search ends its answer after this, or so many characters of finds, and says where to go on; and how many are under way on one node. */
export const KV_SEARCH_MS = 1 * SECOND_MS;
export const KV_SEARCH_CHARS_MAX = 1 * MIB;
export const KV_SEARCHES_AT_ONCE = 4;
/** Secrets that one answer of a search names. */
export const KV_SEARCH_MATCHES_MAX = 10_000;
export const KV_SEARCH_MATCHES = 1_000;
/** Names that a search lists at once. */
export const KV_SEARCH_PAGE = 1_000;
/** Fields of one secret that a search names, and folders that it may not list. */
export const KV_SEARCH_FIELDS_MAX = 100;
export const KV_SEARCH_NOT_LISTED_MAX = 1_000;
/** Of what is looked for. */
export const KV_SEARCH_TERM_CHARS_MAX = 1_024;

/** Names in one answer of `sys/raw`. */
export const RAW_NAMES_MAX = 10_000;

// seal
/** A root token or a rekey that is attempted lapses so long after its beginning, or its last right share. */
export const ATTEMPT_MS = 10 * MINUTE_MS;
/** How often the last commit of an init is tried again where nobody knows what became of it. */
export const FOUNDING_TRIES = 8;
/** How often the commit of a rekey is tried again where something else came first, or nobody knows what became of it. */
export const REKEY_TRIES = 8;
/** New shares that have to be verified may take their time to reach their holders. */
export const REKEY_VERIFY_MS = 24 * HOUR_MS;
/** Root keys that a node keeps beside its own while rekeys are under way. */
export const ROOT_KEYS_EXPECTED_MAX = 4;
/** Least age of a term, if any is configured, at which the next begins (contract §2.1). */
export const ROTATION_INTERVAL_MIN_MS = 24 * HOUR_MS;
/** How often it is looked whether a term is due. */
export const ROTATION_LOOK_MS = 1 * MINUTE_MS;
export const SHARES_MAX = 255;
/** Encryptions of a term that are debited in storage at a time (protocol §19). */
export const TERM_SLICE = 2 ** 24;
/** A term has so many slices at least. */
export const TERM_SLICES_MIN = 16;
/** Encryptions of one barrier key: Vault's bound, 90 % of the 2^32 random nonces that SP 800-38D §8.3 allows a key. */
export const TERM_OPERATIONS_MAX = 3_865_470_566;
/** Fewest that may be configured (contract §2.1). */
export const TERM_OPERATIONS_MIN = 1_000_000;
/** Of a share: an AES key, or the longest of them with its x coordinate behind. */
export const SHARE_BYTES_MIN = 16;
export const SHARE_BYTES_MAX = 33;

/** Wrong shares that all attempts may be given within a minute. */
export const WRONG_SHARES_MAX = 10;

// observe
/** Of one text in the operator's log. */
export const LOG_TEXT_CHARS_MAX = 4_096;
export const LOG_DEPTH_MAX = 4;
export const LOG_LIST_MAX = 50;
/** Characters that wait for a log that takes nothing; what comes on top is dropped. */
export const LOG_WAITING_CHARS_MAX = 16 * MIB;
/** Clients that look on at the log of one node; what waits for one that reads slowly; how often its token is looked at. */
export const MONITORS_MAX = 16;
export const MONITOR_LINES_WAITING_MAX = 512;
export const MONITOR_CHARS_WAITING_MAX = 1 * MIB;
export const MONITOR_LOOK_MS = 1 * SECOND_MS;
/** Of one profile; how often it is asked whether anybody still waits for it; between two samples, of time and of memory. */
export const PROFILE_SECONDS_MAX = 60;
export const PROFILE_LOOK_MS = 250;
export const PROFILE_STEP_US = 2_000;
export const PROFILE_BYTES_STEP = 64 * 1024;
