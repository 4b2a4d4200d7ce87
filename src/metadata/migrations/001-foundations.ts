import type { Migration } from './migration.ts'

/**
 * The tables of the first release.
 *
 * ```
 * settings                 facts of the installation: check value of the encryption key, …
 *
 * accounts ─┬─ projects                       a project is named after its region
 *           ├─ agencies, account_days         what it authorized; what it stored and served, per day
 *           ├─ account_blobs                  how many of its repositories link a blob
 *           ├─ users ─┬─ second_factors       sealed seed of the codes that a login needs
 *           │         ├─ user_profiles        JSON that clients keep with a user
 *           │         ├─ user_roles           (role, project); the strongest stands in `users.role`
 *           │         ├─ access_keys          AK → sealed SK
 *           │         └─ keystone_tokens      hash of the token → user, epoch, scope
 *           └─ organizations ─┬─ organization_grants (user, level 7|3|1)
 *                             └─ repositories ─┬─ repository_descriptions
 *                                              ├─ repository_grants (user, level)
 *                                              ├─ repository_shares (account that may pull, until when)
 *                                              ├─ retention_policies  which tags go; retention_log which went, retention_rules by what
 *                                              ├─ blob_links ──────── blobs (digest → location)
 *                                              ├─ manifests ───────── manifest_bodies (digest → bytes)
 *                                              │    ├─ manifest_blobs     (repository, held digest) → blob_links
 *                                              │    └─ manifest_children  digests only: a child may go before its index
 *                                              ├─ tags ────────────── manifests
 *                                              ├─ tag_history         every move of a tag, for ever
 *                                              ├─ upload_sessions     staged bytes of the blob store
 *                                              └─ pulls               (day, repository, shard)
 * signing_keys             keys of docker tokens, private halves sealed
 * login_refusals           (name, address) that failed too often, until when
 * events                   what happened, with names as they were; no foreign keys, it outlives what it tells of
 * jobs                     (kind, subject) due at run_at, taken by lease
 * totals, total_deltas     numbers read as base + deltas; a job folds the deltas
 * ```
 *
 * How the keys serve: a pull resolves organizations(name) → repositories(organization, name) → tags(repository, name) →
 * manifests(repository, digest), each a point query. Lists walk (organization, name), (repository, name) or (id) by
 * keyset. "Held by this repository" is a foreign key from `manifest_blobs` to `blob_links`, so that unlinking a blob and
 * pushing a manifest that needs it exclude each other on both engines.
 */
export const foundations: Migration = {
  version: 1,
  name: 'foundations',
  statements: ({ id, text, int, bytes, clustered }) => [
    `create table settings (key ${text} primary key, value ${text} not null)`,

    `create table accounts (id ${text} primary key, name ${text} not null unique, created_ms ${int} not null)`,
    `create table projects (
       id ${text} primary key, account_id ${text} not null references accounts, name ${text} not null,
       created_ms ${int} not null, unique (account_id, name))`,
    `create table users (
       id ${text} primary key, account_id ${text} not null references accounts, name ${text} not null,
       password_hash ${text} not null, is_administrator ${int} not null, is_enabled ${int} not null,
       epoch ${int} not null, created_ms ${int} not null, unique (account_id, name))`,
    `create table access_keys (
       id ${text} primary key, user_id ${text} not null references users, sealed_secret ${bytes} not null,
       is_enabled ${int} not null, epoch ${int} not null, created_ms ${int} not null)`,
    `create index access_keys_by_user on access_keys (user_id)`,
    `create table keystone_tokens (
       token_hash ${bytes} primary key, user_id ${text} not null references users, user_epoch ${int} not null,
       scope ${text} not null, project_id ${text}, issued_ms ${int} not null, expires_ms ${int} not null)`,
    `create index keystone_tokens_by_expiry on keystone_tokens (expires_ms)`,
    `create table signing_keys (
       id ${text} primary key, algorithm ${text} not null, sealed_private_key ${bytes} not null,
       public_jwk ${text} not null, created_ms ${int} not null, signs_until_ms ${int} not null,
       expires_ms ${int} not null)`,

    `create table organizations (
       id ${id}, account_id ${text} not null references accounts, name ${text} not null unique,
       creator_id ${text} not null, creator_name ${text} not null, created_ms ${int} not null)`,
    `create index organizations_by_account on organizations (account_id, name)`,
    `create table organization_grants (
       organization_id ${int} not null references organizations on delete cascade,
       user_id ${text} not null references users, level ${int} not null, created_ms ${int} not null,
       primary key (organization_id, user_id)) ${clustered}`,
    `create index organization_grants_by_user on organization_grants (user_id, organization_id)`,

    `create table repositories (
       id ${id}, organization_id ${int} references organizations, name ${text} not null,
       is_public ${int} not null, category ${text} not null, creator_id ${text} not null,
       creator_name ${text} not null, created_ms ${int} not null, updated_ms ${int} not null, deleted_ms ${int},
       check ((organization_id is null) = (deleted_ms is not null)))`,
    `create unique index repositories_by_name on repositories (organization_id, name)`,
    `create index repositories_public on repositories (organization_id, name) where is_public = 1 and deleted_ms is null`,
    `create index repositories_deleted on repositories (deleted_ms) where deleted_ms is not null`,
    `create table repository_descriptions (
       repository_id ${int} primary key references repositories on delete cascade, description ${text} not null)`,
    `create table repository_grants (
       repository_id ${int} not null references repositories on delete cascade,
       user_id ${text} not null references users, level ${int} not null, created_ms ${int} not null,
       primary key (repository_id, user_id)) ${clustered}`,
    `create index repository_grants_by_user on repository_grants (user_id, repository_id)`,

    `create table blobs (
       digest ${bytes} primary key, size_bytes ${int} not null, location ${text} not null unique,
       state ${text} not null, created_ms ${int} not null)`,
    `create table blob_links (
       repository_id ${int} not null references repositories, digest ${bytes} not null references blobs,
       created_ms ${int} not null, primary key (repository_id, digest)) ${clustered}`,
    `create index blob_links_by_digest on blob_links (digest, repository_id)`,

    `create table manifest_bodies (digest ${bytes} primary key, body ${bytes} not null)`,
    `create table manifests (
       repository_id ${int} not null references repositories, digest ${bytes} not null references manifest_bodies,
       media_type ${text} not null, artifact_type ${text}, size_bytes ${int} not null, config_digest ${bytes},
       subject_digest ${bytes}, content_bytes ${int} not null, annotations ${text}, pusher_id ${text} not null,
       pushed_ms ${int} not null, primary key (repository_id, digest))`,
    `create index manifests_by_digest on manifests (digest)`,
    `create index manifests_by_subject on manifests (repository_id, subject_digest, digest)
       where subject_digest is not null`,
    `create table manifest_blobs (
       repository_id ${int} not null, manifest_digest ${bytes} not null, target_digest ${bytes} not null,
       held_digest ${bytes}, primary key (repository_id, manifest_digest, target_digest),
       foreign key (repository_id, manifest_digest) references manifests on delete cascade,
       foreign key (repository_id, held_digest) references blob_links) ${clustered}`,
    `create index manifest_blobs_by_held on manifest_blobs (repository_id, held_digest) where held_digest is not null`,
    `create table manifest_children (
       repository_id ${int} not null, manifest_digest ${bytes} not null, position ${int} not null,
       child_digest ${bytes} not null, primary key (repository_id, manifest_digest, position),
       foreign key (repository_id, manifest_digest) references manifests on delete cascade) ${clustered}`,
    `create index manifest_children_by_child on manifest_children (repository_id, child_digest)`,

    `create table tags (
       id ${id}, repository_id ${int} not null, name ${text} not null, digest ${bytes} not null,
       created_ms ${int} not null, updated_ms ${int} not null, unique (repository_id, name),
       foreign key (repository_id, digest) references manifests)`,
    `create index tags_by_digest on tags (repository_id, digest)`,
    `create index tags_by_update on tags (repository_id, updated_ms, name)`,
    `create table tag_history (
       id ${id}, repository_id ${int} not null, tag ${text} not null, digest_before ${bytes}, digest_after ${bytes},
       actor_id ${text} not null, actor_name ${text} not null, at_ms ${int} not null)`,
    `create index tag_history_by_tag on tag_history (repository_id, tag, id)`,

    `create table upload_sessions (
       id ${text} primary key, repository_id ${int} not null references repositories, actor_id ${text} not null,
       algorithm ${text} not null, offset_bytes ${int} not null, digest_so_far ${bytes}, store_state ${text} not null,
       lease_id ${text}, lease_until_ms ${int} not null, created_ms ${int} not null, expires_ms ${int} not null)`,
    `create index upload_sessions_by_expiry on upload_sessions (expires_ms)`,
    `create index upload_sessions_by_repository on upload_sessions (repository_id)`,

    `create table events (
       id ${id}, at_ms ${int} not null, account_id ${text} not null, organization_id ${int}, repository_id ${int},
       kind ${text} not null, actor_id ${text} not null, actor_name ${text} not null, source_address ${text} not null,
       request_id ${text} not null, digest_before ${bytes}, digest_after ${bytes}, detail ${text} not null)`,
    `create index events_by_account on events (account_id, id)`,

    `create table jobs (
       id ${id}, kind ${text} not null, subject ${text} not null, payload ${text} not null, run_at_ms ${int} not null,
       attempts ${int} not null, lease_id ${text}, lease_until_ms ${int} not null, last_error ${text},
       created_ms ${int} not null, unique (kind, subject))`,
    `create index jobs_by_due on jobs (run_at_ms, id)`,

    `create table totals (owner ${text} not null, metric ${text} not null, value ${int} not null,
       primary key (owner, metric)) ${clustered}`,
    `create table total_deltas (id ${id}, owner ${text} not null, metric ${text} not null, delta ${int} not null)`,
    `create index total_deltas_by_owner on total_deltas (owner, metric)`,
    `create table pulls (day ${int} not null, repository_id ${int} not null, shard ${int} not null,
       pulls ${int} not null, primary key (repository_id, day, shard)) ${clustered}`,
  ],
}
