import type { Migration } from './migration.ts'

/**
 * Orders and filters of the list of all repositories of an account, each a walk along an index, and the three letters in a
 * row of which their names are made (trigrams), by which a part of a name is found.
 */
export const repositoryLists: Migration = {
  version: 10,
  name: 'repository-lists',
  statements: ({ engine }) => [
    `create index repositories_by_account_and_name on repositories (account_id, name) where deleted_ms is null`,
    `create index repositories_by_account_and_time on repositories (account_id, updated_ms) where deleted_ms is null`,
    // Has all that counting needs.
    `create index repositories_by_kind on repositories (account_id, is_public, category, deleted_ms)
       where deleted_ms is null`,
    ...(engine === 'sqlite' ? sqliteTrigrams : postgresTrigrams),
  ],
}

/** An index without a copy of the names, kept by triggers; a repository keeps its name as long as it is there. */
const sqliteTrigrams = [
  `create virtual table repository_names using fts5(
     name, content = 'repositories', content_rowid = 'id', tokenize = 'trigram case_sensitive 1')`,
  `insert into repository_names (repository_names) values ('rebuild')`,
  `create trigger repository_names_insert after insert on repositories begin
     insert into repository_names (rowid, name) values (new.id, new.name);
   end`,
  `create trigger repository_names_delete after delete on repositories begin
     insert into repository_names (repository_names, rowid, name) values ('delete', old.id, old.name);
   end`,
]

/** The extension may be missing, or not be this user's to add: names are then searched one by one. */
const postgresTrigrams = [
  `do $$ begin
     create extension if not exists pg_trgm;
     create index repositories_by_trigrams on repositories using gin (name gin_trgm_ops);
   exception when others then null;
   end $$`,
]
