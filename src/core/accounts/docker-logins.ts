import { bearerTokenUser, deriveLoginKey } from '../../protocol/auth/login-key.ts'
import type { Requester, UserCaller } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { findProject, type Project, selectProjects } from './queries.ts'
import { createBearerToken, createDockerKey, type TemporaryKeyDeps } from './temporary-keys.ts'

/** What docker logs in with until it ends; handed out this once. */
export type DockerLogin = { user: string; password: string; expiresMs: number }

/**
 * A login `project@AK` by a temporary key, in the project that is named, else in that of the caller, of the region, or
 * the first. Throws `parameter_invalid` for a project that the account doesn't have, and what `Access.require` throws.
 */
export async function createDockerLogin(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  { projectName, region, lifeMs }: { projectName: string | undefined; region: string; lifeMs: number },
): Promise<DockerLogin> {
  const project = await chooseProject(deps, by.caller, projectName, region)
  const { id, secret, expiresMs } = await createDockerKey(deps, by, lifeMs)
  return { user: `${project.name}@${id}`, password: deriveLoginKey(id, secret), expiresMs }
}

/** A login `bearertoken@id` by a token. Throws what `Access.require` throws. */
export async function createTokenLogin(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  lifeMs: number,
): Promise<DockerLogin> {
  const { id, token, expiresMs } = await createBearerToken(deps, by, lifeMs)
  return { user: `${bearerTokenUser}@${id}`, password: token, expiresMs }
}

async function chooseProject(
  { db }: Pick<TemporaryKeyDeps, 'db'>,
  { accountId, projectId }: UserCaller,
  asked: string | undefined,
  region: string,
): Promise<Project> {
  if (asked !== undefined) {
    const project = await findProject(db.read, accountId, { name: asked })
    if (project) return project
    const reason = 'projectname is one of your own projects: GET /v3/projects lists them'
    throw new DomainError('parameter_invalid', 'projectname is invalid', { parameter: 'projectname', reason })
  }
  const own = projectId === undefined ? undefined : await findProject(db.read, accountId, { id: projectId })
  const project =
    own ??
    (await findProject(db.read, accountId, { name: region })) ??
    (await selectProjects(db.read, accountId, { limit: 1 }))[0]
  if (project) return project
  throw new DomainError('project_unknown', 'the account has no project')
}
