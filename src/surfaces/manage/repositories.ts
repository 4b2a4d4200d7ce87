import type { Repository } from '../../core/repositories/read-repositories.ts'
import {
  createRepository,
  deleteRepository,
  getRepository,
  updateRepository,
} from '../../core/repositories/repositories.ts'
import {
  type CreateRepositoryBody,
  createRepositoryBody,
  type RepositoryView,
  repositoryView,
  type UpdateRepositoryBody,
  updateRepositoryBody,
} from '../../protocol/manage/repositories.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { organizationIn, placeIn } from './names.ts'
import {
  type Call,
  done,
  gone,
  isDone,
  isGone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'
import { pullPath } from './pull-path.ts'

const ofOne = { path: '/namespaces/:organization/repos/:repository', on: 'repository' } as const
const form = { booleans: ['is_public'] }

/** SWR API, "Image Repository Management", without the list. */
export const repositoryOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/namespaces/:organization/repos',
    name: 'createRepo',
    summary: 'Creates an image repository, which its creator manages.',
    route: 'repository.create',
    on: 'repository',
    failureCode: '5000046',
    body: { schema: createRepositoryBody, form },
    answer: isDone,
    errors: ['repository_name_invalid', 'repository_exists', 'quota_exceeded', 'description_too_long'],
    run: create,
  }),
  operation({
    ...ofOne,
    method: 'GET',
    name: 'showRepository',
    summary: 'Shows an image repository.',
    route: 'repository.get',
    failureCode: '5000007',
    answer: shows(repositoryView),
    errors: [],
    run: async (deps, call) => shown(viewOf(await getRepository(deps, call.by.caller, placeIn(call)), call)),
  }),
  operation({
    ...ofOne,
    method: 'PATCH',
    name: 'updateRepo',
    summary: 'Changes attributes of an image repository. One that is absent or null stays as it is.',
    route: 'repository.update',
    failureCode: '5000011',
    body: { schema: updateRepositoryBody, form },
    answer: isDone,
    errors: ['description_too_long'],
    run: update,
  }),
  operation({
    ...ofOne,
    method: 'DELETE',
    name: 'deleteRepo',
    summary: 'Deletes an image repository with all its images.',
    route: 'repository.delete',
    failureCode: '5000005',
    answer: isGone,
    errors: ['deletion_disabled'],
    run: async (deps, call) => {
      await deleteRepository(deps, call.by, placeIn(call))
      return gone
    },
  }),
]

async function create(deps: ManageDeps, call: Call<CreateRepositoryBody>): Promise<typeof done> {
  const organization = organizationIn(call)
  const body = await call.readBody()
  await createRepository(deps, call.by, {
    organization,
    name: body.repository,
    isPublic: body.is_public,
    category: body.category ?? '',
    description: body.description ?? '',
  })
  return done
}

async function update(deps: ManageDeps, call: Call<UpdateRepositoryBody>): Promise<typeof done> {
  const place = placeIn(call)
  const body = await call.readBody()
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
