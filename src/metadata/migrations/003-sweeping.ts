import type { Migration } from './migration.ts'

/**
 * What has to be known to remove what nobody needs.
 *
 * ```
 * blob_links.used_ms    when a push last relied on the link; equal to created_ms while none did since it was made
 * publications          content on its way from staging to its row, where no upload session tells of it
 * content_holds         who needs that no content goes away until then, e.g. a backup that is being copied
 * ```
 */
export const sweeping: Migration = {
  version: 3,
  name: 'sweeping',
  statements: ({ text, int }) => [
    `alter table blob_links add column used_ms ${int} not null default 0`,
    `update blob_links set used_ms = created_ms`,
    `create table publications (upload_id ${text} primary key, begun_ms ${int} not null)`,
    `create table content_holds (id ${text} primary key, reason ${text} not null, until_ms ${int} not null)`,
  ],
}
