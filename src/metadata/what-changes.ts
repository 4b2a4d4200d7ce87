import type { Tables } from './tables.ts'

/**
 * What a change of a table may make untrue: `rights` who may do what, and what is there to do it to; `content` what a
 * repository holds; `nothing` that anyone keeps an answer about. A change of rights is one of content, too: what a caller
 * may read hangs on both.
 */
export type WhatChanges = 'rights' | 'content' | 'nothing'

const ofTable = {
  // Switches of the installation that decisions read are settings.
  settings: 'rights',
  accounts: 'rights',
  projects: 'rights',
  users: 'rights',
  // What decisions read of them is in `users`.
  user_roles: 'nothing',
  user_profiles: 'nothing',
  // To bind one moves the user's epoch on.
  second_factors: 'nothing',
  access_keys: 'rights',
  temporary_keys: 'rights',
  organizations: 'rights',
  organization_grants: 'rights',
  repositories: 'rights',
  repository_grants: 'rights',
  repository_shares: 'rights',
  blobs: 'content',
  blob_links: 'content',
  manifest_bodies: 'content',
  manifests: 'content',
  manifest_blobs: 'content',
  manifest_children: 'content',
  tags: 'content',
  keystone_tokens: 'nothing',
  signing_keys: 'nothing',
  login_refusals: 'nothing',
  used_signatures: 'nothing',
  repository_descriptions: 'nothing',
  tag_history: 'nothing',
  retention_policies: 'nothing',
  retention_rules: 'nothing',
  retention_log: 'nothing',
  upload_sessions: 'nothing',
  publications: 'nothing',
  account_blobs: 'nothing',
  account_days: 'nothing',
  agencies: 'nothing',
  content_holds: 'nothing',
  events: 'nothing',
  jobs: 'nothing',
  totals: 'nothing',
  total_deltas: 'nothing',
  pulls: 'nothing',
} as const satisfies Record<keyof Tables, WhatChanges>

/**
 * What running this statement may change. One that can't be read changes rights: only plain changes of one table are told
 * apart, and rows that go with others (`on delete cascade`) are never of more weight than those.
 */
export function changeOf(statement: string): WhatChanges {
  const text = statement.trimStart()
  if (/^select\b/i.test(text)) return 'nothing'
  const [, table] = /^(?:insert into|update|delete from)\s+"?([a-z_]+)"?/i.exec(text) ?? []
  return table !== undefined && Object.hasOwn(ofTable, table) ? ofTable[table as keyof Tables] : 'rights'
}
