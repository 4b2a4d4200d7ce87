import type { Generated, Insertable, Selectable } from 'kysely'

/**
 * Row types of every table, the same on SQLite and PostgreSQL. The drawing of the tables and their keys stands in
 * `migrations/001-foundations.ts`.
 *
 * Types on both engines: ids that travel on the wire are integers, never reused and below 2^53; ids of accounts,
 * projects and users are 32 lower-case hex; times are integer milliseconds UTC (`…_ms`); flags are 0 or 1; digests are
 * binary (`digestToBytes`); text compares byte for byte.
 */
export interface Tables {
  settings: { key: string; value: string }
  accounts: { id: string; name: string; created_ms: number }
  projects: { id: string; account_id: string; name: string; created_ms: number }
  users: {
    id: string
    account_id: string
    name: string
    /** argon2id in PHC form. */
    password_hash: string
    is_enabled: Flag
    /** Moves on when the password changes or the user is disabled; proofs made before are void. */
    epoch: number
    created_ms: number
    /** 'default' | 'programmatic' | 'console' */
    access_mode: Generated<string>
    /** The strongest of the user's `user_roles`, 'none' without one. */
    role: string
  }
  /** The device that makes codes for a user's logins; it counts once it is bound. */
  second_factors: {
    user_id: string
    name: string
    sealed_secret: Uint8Array
    is_bound: Flag
    /** Codes of this step and before have logged in. */
    last_step: number
    created_ms: number
  }
  /** JSON that clients keep with a user. */
  user_profiles: { user_id: string; profile: string }
  /** `project_id` is empty where the role is of the account as a whole. */
  user_roles: { user_id: string; role: string; project_id: string; created_ms: number }
  access_keys: {
    id: string
    user_id: string
    /** The secret key, encrypted with the installation's key (it has to verify signatures). */
    sealed_secret: Uint8Array
    is_enabled: Flag
    epoch: number
    created_ms: number
    description: Generated<string>
  }
  /** Keys with an end, each made for one purpose and void with what it was made with. */
  temporary_keys: {
    id: string
    user_id: string
    user_epoch: number
    /** The access key behind it, and its epoch then; null where it was made with a token. */
    parent_id: string | null
    parent_epoch: number | null
    /** The temporary key that it was made with, with which it goes: one that signs, and was not made so itself. */
    made_with: string | null
    /** The secret key, as of `access_keys`; null for a token of the docker login `bearertoken@…`. */
    sealed_secret: Uint8Array | null
    /** SHA-256 of the token that goes with the key, or is it; null for a key that only docker logs in with. */
    token_hash: Uint8Array | null
    created_ms: number
    expires_ms: number
  }
  /** Signatures that were used, where each counts once; as long as their time lets them count at all. */
  used_signatures: { signature: Uint8Array; first_ms: number; expires_ms: number }
  keystone_tokens: {
    token_hash: Uint8Array
    user_id: string
    user_epoch: number
    /** 'project' | 'account' | 'none' */
    scope: string
    project_id: string | null
    issued_ms: number
    expires_ms: number
    /** 'password', 'token', 'totp', …, with commas between them. */
    methods: Generated<string>
  }
  /** Of name and source address; refused until then. */
  login_refusals: { login_hash: Uint8Array; until_ms: number }
  signing_keys: {
    id: string
    algorithm: string
    sealed_private_key: Uint8Array
    public_jwk: string
    created_ms: number
    /** Tokens are signed with it until then. */
    signs_until_ms: number
    /** Tokens signed with it are accepted until then. */
    expires_ms: number
  }
  organizations: {
    id: Generated<number>
    account_id: string
    name: string
    creator_id: string
    creator_name: string
    created_ms: number
    /** Whether manifests may name what the repository lacks; null: as the installation says. */
    sparse_manifests: Generated<Flag | null>
  }
  organization_grants: { organization_id: number; user_id: string; level: number; created_ms: number }
  repositories: {
    id: Generated<number>
    /** Null once it is deleted: nothing leads to it any more, and its organization can go before its remains do. */
    organization_id: number | null
    name: string
    is_public: Flag
    category: string
    creator_id: string
    creator_name: string
    created_ms: number
    updated_ms: number
    /** Set when the repository was deleted: its name is free, a job purges what it held. */
    deleted_ms: number | null
    /** 1 as long as there is a share of it, ended ones included. */
    is_shared: Generated<Flag>
    /** Of its organization; stays once it is deleted. */
    account_id: Generated<string>
  }
  /** Apart from `repositories`, so that a pull never drags a long text through the page cache. */
  repository_descriptions: { repository_id: number; description: string }
  repository_grants: { repository_id: number; user_id: string; level: number; created_ms: number }
  /** Other accounts that may pull from a repository. */
  repository_shares: {
    repository_id: number
    account_id: string
    /** The names of the repository, which has them as long as it lives. */
    organization: Generated<string>
    name: Generated<string>
    /** As it was sent: `forever`, or a time. */
    deadline: string
    /** The first moment at which it no longer counts; `endlessMs` for one that always does. */
    ends_ms: number
    description: string
    creator_id: string
    creator_name: string
    created_ms: number
    updated_ms: number
  }
  blobs: {
    digest: Uint8Array
    size_bytes: number
    location: string
    /** 'present' | 'condemned' */
    state: string
    created_ms: number
  }
  blob_links: {
    repository_id: number
    digest: Uint8Array
    created_ms: number
    /** When a push last relied on it; equal to `created_ms` as long as none did since the link was made. */
    used_ms: number
  }
  /** How many of an account's repositories link a blob; no row where none does. */
  account_blobs: { account_id: string; digest: Uint8Array; links: number }
  manifest_bodies: { digest: Uint8Array; body: Uint8Array }
  manifests: {
    repository_id: number
    digest: Uint8Array
    media_type: string
    artifact_type: string | null
    size_bytes: number
    config_digest: Uint8Array | null
    subject_digest: Uint8Array | null
    /** Config and layers of an image, as its manifest states them; 0 for an index. */
    content_bytes: number
    annotations: string | null
    /** Levels of indexes from here down; 0 for an image. */
    index_depth: Generated<number>
    /** Descriptors named from here down, each as often as it is named; 0 for an image. */
    index_reach: Generated<number>
    pusher_id: string
    pushed_ms: number
  }
  manifest_blobs: {
    repository_id: number
    manifest_digest: Uint8Array
    target_digest: Uint8Array
    /** Equal to `target_digest` where the repository holds the blob, null as long as it lacks it (foreign layers). */
    held_digest: Uint8Array | null
  }
  manifest_children: { repository_id: number; manifest_digest: Uint8Array; position: number; child_digest: Uint8Array }
  tags: {
    id: Generated<number>
    repository_id: number
    name: string
    digest: Uint8Array
    created_ms: number
    updated_ms: number
  }
  tag_history: {
    id: Generated<number>
    repository_id: number
    tag: string
    digest_before: Uint8Array | null
    digest_after: Uint8Array | null
    actor_id: string
    actor_name: string
    at_ms: number
  }
  retention_policies: {
    id: Generated<number>
    repository_id: number
    /** JSON array of `RetentionRule` (`core/retention/rules.ts`). */
    rules: string
    /** Moves on when the rules change; what was begun by others begins anew. */
    revision: number
    creator_id: string
    creator_name: string
    created_ms: number
    updated_ms: number
  }
  /** Each rule by which a tag of the repository went, once: logs are long, and rules may be. */
  retention_rules: {
    id: Generated<number>
    repository_id: number
    /** SHA-256 of `rule`. */
    digest: Uint8Array
    /** JSON of a `RetentionRule`. */
    rule: string
  }
  /** Tags that went by a policy, which may be gone itself. */
  retention_log: {
    id: Generated<number>
    repository_id: number
    policy_id: number
    rule_id: number
    tag: string
    at_ms: number
  }
  upload_sessions: {
    id: string
    repository_id: number
    actor_id: string
    algorithm: string
    offset_bytes: number
    /** Digest of bytes 0..offset_bytes; null when no process knows it. */
    digest_so_far: Uint8Array | null
    /** Opaque to all but the blob store. */
    store_state: string
    lease_id: string | null
    lease_until_ms: number
    created_ms: number
    expires_ms: number
  }
  /** Content on its way from staging to its row, where no session tells of it. */
  publications: { upload_id: string; begun_ms: number }
  /** Who needs that no content goes away until then; `reason` is for people. */
  content_holds: { id: string; reason: string; until_ms: number }
  events: {
    id: Generated<number>
    at_ms: number
    account_id: string
    organization_id: number | null
    repository_id: number | null
    kind: string
    actor_id: string
    actor_name: string
    source_address: string
    request_id: string
    digest_before: Uint8Array | null
    digest_after: Uint8Array | null
    /** JSON object: names as they were when it happened. */
    detail: string
  }
  jobs: {
    id: Generated<number>
    kind: string
    /** What it is about; one job of a kind per subject at a time. */
    subject: string
    payload: string
    run_at_ms: number
    attempts: number
    lease_id: string | null
    lease_until_ms: number
    last_error: string | null
    created_ms: number
  }
  totals: { owner: string; metric: string; value: number }
  total_deltas: { id: Generated<number>; owner: string; metric: string; delta: number }
  pulls: { day: number; repository_id: number; shard: number; pulls: number }
  agencies: { account_id: string; authorized_by: string; authorized_ms: number }
  account_days: {
    account_id: string
    /** 'downflow': served to pulls that day; 'store': stored when the day was looked at last, in shard 0. */
    kind: string
    /** Days since 1970, UTC. */
    day: number
    shard: number
    bytes: number
  }
}

/** 0 or 1: the one form of truth both engines share. */
export type Flag = number

export type Row<T extends keyof Tables> = Selectable<Tables[T]>
export type NewRow<T extends keyof Tables> = Insertable<Tables[T]>

export function flag(value: boolean): Flag {
  return value ? 1 : 0
}
