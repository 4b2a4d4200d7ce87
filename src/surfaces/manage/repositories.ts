import type { Repository } from '../../core/repositories/read-repositories.ts'
import {
  createRepository,
  deleteRepository,
  getRepository,
  updateRepository,
} from '../../core/repositories/repositories.ts'
import { createRepositoryBody, type RepositoryView, updateRepositoryBody } from '../../protocol/manage/repositories.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { readJsonOrForm } from './body.ts'
import { parseFields } from './fields.ts'
import { organizationIn, placeIn } from './names.ts'
import { type Answer, type Call, done, gone, type ManageDeps, type Operation, shown } from './operation.ts'
import { pullPath } from './pull-path.ts'

const ofOne = { path: '/namespaces/:organization/repos/:repository', on: 'repository' } as const

/** SWR API, "Image Repository Management", without the list. */
export const repositoryOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/namespaces/:organization/repos',
    route: 'repository.create',
    on: 'repository',
    failureCode: '5000046',
    run: create,
  },
  { ...ofOne, method: 'GET', route: 'repository.get', failureCode: '5000007', run: show },
  { ...ofOne, method: 'PATCH', route: 'repository.update', failureCode: '5000011', run: update },
  { ...ofOne, method: 'DELETE', route: 'repository.delete', failureCode: '5000005', run: remove },
]

const booleanFields = ['is_public']

async function create(deps: ManageDeps, call: Call): Promise<Answer> {
  const organization = organizationIn(call)
  const body = parseFields(createRepositoryBody, await readJsonOrForm(deps, call, booleanFields))
  await createRepository(deps, call.by, {
    organization,
    name: body.repository,
    isPublic: body.is_public,
    category: body.category ?? '',
    description: body.description ?? '',
  })
  return done
}

async function show(deps: ManageDeps, call: Call): Promise<Answer> {
  return shown<RepositoryView>(viewOf(await getRepository(deps, call.by.caller, placeIn(call)), call))
}

async function update(deps: ManageDeps, call: Call): Promise<Answer> {
  const place = placeIn(call)
  const body = parseFields(updateRepositoryBody, await readJsonOrForm(deps, call, booleanFields))
  await updateRepository(deps, call.by, {
    place,
    change: {
      ...(typeof body.is_public === 'boolean' && { isPublic: body.is_public }),
      ...(typeof body.category === 'string' && { category: body.category }),
      ...(typeof body.description === 'string' && { description: body.description }),
    },
  })
  return done
}

async function remove(deps: ManageDeps, call: Call): Promise<Answer> {
  await deleteRepository(deps, call.by, placeIn(call))
  return gone
}

function viewOf(repository: Repository, { exchange }: Call): RepositoryView {
  const path = pullPath(exchange.baseUrl, repository)
  return {
    id: repository.id,
    ns_id: repository.organizationId,
    name: repository.name,
    category: repository.category,
    description: repository.description,
    creator_id: repository.creatorId,
    creator_name: repository.creatorName,
    size: repository.sizeBytes,
    is_public: repository.isPublic,
    num_images: repository.tagCount,
    num_download: repository.pullCount,
    num_downloads: repository.pullCount,
    url: '',
    path,
    internal_path: path,
    created: formatTime(repository.createdMs),
    updated: formatTime(repository.updatedMs),
    domain_id: repository.accountId,
    priority: 0,
  }
}
