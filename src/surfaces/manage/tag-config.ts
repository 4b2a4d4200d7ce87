import { DomainError } from '../../core/errors.ts'
import { openConfig } from '../../core/manifests/images/open-config.ts'
import { tagConfigView } from '../../protocol/manage/tags.ts'
import { placeIn, tagIn } from './names.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shownText, shows } from './operation.ts'

/** SWR API, "Querying the Config of an Image Tag". */
export const tagConfigOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/namespaces/:organization/repos/:repository/tags/:tag/config',
    name: 'showRepoTagConfig',
    summary: 'Shows the config of an image as it was pushed.',
    route: 'tag.get-config',
    on: 'repository',
    failureCode: '5001050',
    answer: shows(tagConfigView),
    errors: ['tag_invalid', 'tag_unknown', 'config_unavailable', 'blob_unknown'],
    run: show,
  }),
]

/** Configs in use have some KiB. */
const mostConfigBytes = 4 * 1024 * 1024

async function show(deps: ManageDeps, call: Call): Promise<Answer<Record<string, unknown>>> {
  const tag = tagIn(call)
  const content = await openConfig(deps, call.by.caller, placeIn(call), { tag, mostBytes: mostConfigBytes })
  return shownText(requireJsonObject(await textOf(content), tag))
}

/** The whole content; what is not UTF-8 comes out as text that is no JSON, or as one that says the same. */
async function textOf(content: Awaited<ReturnType<typeof openConfig>>): Promise<string> {
  switch (content.kind) {
    case 'bytes':
      return content.bytes.text()
    case 'file':
      return Bun.file(content.path).text()
    case 'stream':
      return new Response(content.stream).text()
    case 'redirect':
      throw new DomainError('unavailable', 'the bytes of the config are read elsewhere')
  }
}

/** What the config says, as it was pushed: artifacts may have one that is no JSON at all. */
function requireJsonObject(text: string, tag: string): string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  throw new DomainError('config_unavailable', `the config of ${tag} is no JSON document: pull the blob`, { tag })
}
