import type { Migration } from './migration.ts'

/**
 * Roles instead of a mere mark for administrators.
 *
 * ```
 * user_roles     (user, role, project)     what is assigned; a project of '' stands for the account as a whole
 * users.role     the strongest of them, or 'none': what decisions read (`core/access/roles.ts`)
 * ```
 */
export const rolesOfUsers: Migration = {
  version: 7,
  name: 'roles',
  statements: ({ text, int, clustered }) => [
    `create table user_roles (
       user_id ${text} not null references users on delete cascade, role ${text} not null, project_id ${text} not null,
       created_ms ${int} not null, primary key (user_id, role, project_id)) ${clustered}`,
    `alter table users add column role ${text} not null default 'none'`,
    `update users set role = case when is_administrator = 1 then 'te_admin' else 'SWR OperateAccess' end`,
    `insert into user_roles (user_id, role, project_id, created_ms) select id, role, '', created_ms from users`,
    `alter table users drop column is_administrator`,
  ],
}
