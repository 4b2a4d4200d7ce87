import { findProject, selectProjects } from '../../core/accounts/queries.ts'
import { buildCatalog } from './catalog.ts'
import type { Call, IamDeps, IamOperation, OpenCall } from './operation.ts'
import { isAsked, links, listOf, pageOf, queryText, selfLink } from './reading.ts'
import { projectBody, versionBody, versionsBody } from './representations.ts'

/** What clients look up before they ask for anything: versions, catalog, projects and domains. */
export const lookupOperations: readonly IamOperation[] = [
  {
    method: 'GET',
    path: '/',
    route: 'iam.versions',
    isOpen: true,
    run: (_deps, { exchange }) => Response.json(versionsBody(exchange.baseUrl)),
  },
  { method: 'GET', path: '/v3', route: 'iam.version', isOpen: true, run: showVersion },
  {
    method: 'GET',
    path: '/v3/auth/catalog',
    route: 'iam.catalog',
    run: ({ region }, { exchange: { baseUrl } }) =>
      Response.json({ catalog: buildCatalog(baseUrl, region), links: { self: `${baseUrl}/v3/auth/catalog` } }),
  },
  { method: 'GET', path: '/v3/projects', route: 'iam.project.list', run: listProjects },
  { method: 'GET', path: '/v3/auth/projects', route: 'iam.project.list-own', run: listProjects },
  {
    method: 'GET',
    path: '/v3/auth/domains',
    route: 'iam.domain.list',
    run: (_deps, call) => {
      const { accountId, accountName } = call.by.caller
      const domains = isAsked(call, 'name', accountName) ? [{ id: accountId, name: accountName, enabled: true }] : []
      return Response.json({ domains, links: { self: selfLink(call) } })
    },
  },
]

function showVersion(_deps: IamDeps, { exchange }: OpenCall): Response {
  return Response.json(versionBody(exchange.baseUrl))
}

async function listProjects(deps: IamDeps, call: Call): Promise<Response> {
  const { accountId } = call.by.caller
  const page = pageOf(call)
  const name = queryText(call, 'name')
  const projects = !isAsked(call, 'domain_id', accountId)
    ? []
    : name === undefined
      ? await selectProjects(deps.db.read, accountId, page)
      : listOf(await findProject(deps.db.read, accountId, { name }))
  return Response.json({ projects: projects.map(projectBody), links: links(call, page, projects) })
}
